"""The kinds of notices, and the sentence of each message.

Sentences are translated for the reader when they are shown or mailed. To add a notice: a kind in
`NOTICE_KINDS`, a message in `NOTICE_MESSAGES`, and a call of `create_notice`.
"""

from collections.abc import Mapping
from typing import NamedTuple

from django.utils.translation import gettext_noop as _
from django.utils.translation import ngettext

from hub.reason_codes import find_reason, translate_text


class NoticeKind(NamedTuple):
    """A kind of notice: its label, what the reader can do, and how its mails are sent.

    `mailed`: members receive it by mail by default. `can_wait`: the mail may wait for the end of
    quiet hours or for the daily mail.
    """

    marked_label: str
    marked_todo: str
    mailed: bool
    can_wait: bool = True

    @property
    def label(self) -> str:
        return translate_text(self.marked_label)

    @property
    def todo(self) -> str:
        return translate_text(self.marked_todo)


NOTICE_KINDS = {
    "needs_reconnect": NoticeKind(
        _("A connection must be authorized again"), _("Authorize it again"), True, can_wait=False
    ),
    "works_again": NoticeKind(_("A connection works again"), _("See the connection"), True),
    "failing": NoticeKind(
        _("A connection only fails, and will be disabled"), _("See what fails"), True
    ),
    "disabled": NoticeKind(
        _("A connection was disabled"), _("Enable it again"), True, can_wait=False
    ),
    "not_revoked": NoticeKind(
        _("An authorization could not be revoked"), _("See the connection"), True
    ),
    "degraded": NoticeKind(
        _("A connection works, but not all is well"), _("See the connection"), False
    ),
}


class NoticeMessage(NamedTuple):
    """A sentence with named parameters; `plural` is used if the parameter `count` is not one."""

    singular: str
    plural: str = ""


NOTICE_MESSAGES = {
    "needs_reconnect": NoticeMessage(
        _("“%(connection)s”: %(reason)s What is sent to it meanwhile waits.")
    ),
    "degraded": NoticeMessage(_("“%(connection)s”: It is used, but not all is well. %(reason)s")),
    "calls_failing": NoticeMessage(
        _(
            "“%(connection)s”: %(reason)s It is so since %(since)s. What is not delivered yet is "
            "tried again."
        )
    ),
    "calls_failing_with_answer": NoticeMessage(
        _(
            "“%(connection)s”: %(reason)s It is so since %(since)s. The last answer: %(answer)s. "
            "What is not delivered yet is tried again."
        )
    ),
    "works_again_idle": NoticeMessage(_("“%(connection)s”: it works again. Nothing waited.")),
    "works_again": NoticeMessage(
        _("“%(connection)s”: it works again: %(count)s event waited and goes out now."),
        _("“%(connection)s”: it works again: %(count)s events waited and go out now."),
    ),
    "works_again_many": NoticeMessage(
        _("“%(connection)s”: it works again: more than %(count)s events waited and go out now.")
    ),
    "failing": NoticeMessage(
        _(
            "Every attempt on “%(connection)s” has failed since %(since)s. It will be disabled on "
            "%(disabled_on)s."
        )
    ),
    "disabled_after_failures": NoticeMessage(
        _(
            "“%(connection)s” is disabled: every attempt has failed since %(since)s. New "
            "deliveries are held until you enable it."
        )
    ),
    "disabled_by_endpoint": NoticeMessage(
        _(
            "“%(connection)s” is disabled: it accepts no more deliveries. New deliveries are held "
            "until you "
            "enable it."
        )
    ),
    "not_revoked": NoticeMessage(
        _("%(system)s did not confirm the end of access to %(account)s. Remove our app there.")
    ),
    "account_not_revoked": NoticeMessage(
        _("%(system)s did not confirm the end of access to an account. Remove our app there.")
    ),
    "connector_requested": NoticeMessage(
        _("%(tenant)s asks for “%(name)s”; %(count)s tenant has asked."),
        _("%(tenant)s asks for “%(name)s”; %(count)s tenants have asked."),
    ),
}


def translate_notice(message: str, parameters: Mapping[str, str | int], *, reason: str) -> str:
    """Return the sentence in the active language.

    reason: a reason code, whose sentence fills the parameter `reason`; the parameter `system` is
    the name of the other system.
    """
    entry = NOTICE_MESSAGES[message]
    values: dict[str, str | int] = {"reason": "", **parameters}
    if reason:
        values["reason"] = find_reason(reason, system=str(values.get("system", ""))).sentence
    count = values.get("count")
    if not isinstance(count, int):
        return translate_text(entry.singular) % values
    values["count"] = f"{count:,}"
    text = (
        ngettext(entry.singular, entry.plural, count)
        if entry.plural
        else translate_text(entry.singular)
    )
    return text % values
