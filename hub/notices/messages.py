"""The sentence of each notice, translated for the reader when it is shown or mailed."""

from collections.abc import Mapping
from typing import NamedTuple

from django.utils.translation import gettext_noop as _
from django.utils.translation import ngettext

from hub.number_texts import format_whole
from hub.reason_codes import GAP_CAUSES, GAP_REASONS, Reason, find_reason, translate_text


class NoticeMessage(NamedTuple):
    """A sentence with named parameters; `plural` is used if the parameter `count` is not one.

    `reasons`: those that only its notices have, by code.
    """

    singular: str
    plural: str = ""
    reasons: Mapping[str, Reason] = {}


NOTICE_MESSAGES = {
    "needs_reconnect": NoticeMessage(
        _("“%(connection)s”: %(reason)s New deliveries wait until it is fixed.")
    ),
    "degraded": NoticeMessage(_("“%(connection)s”: It is in use, but has a problem. %(reason)s")),
    "calls_failing": NoticeMessage(
        _(
            "“%(connection)s”: %(reason)s This has been the case since %(since)s. "
            "Deliveries that failed are retried."
        )
    ),
    "calls_failing_with_answer": NoticeMessage(
        _(
            "“%(connection)s”: %(reason)s This has been the case since %(since)s. Last "
            "response: %(answer)s. Deliveries that failed are retried."
        )
    ),
    "works_again_idle": NoticeMessage(
        _("“%(connection)s” works again. No deliveries were waiting.")
    ),
    "works_again": NoticeMessage(
        _("“%(connection)s” works again. %(count)s waiting event is sent now."),
        _("“%(connection)s” works again. %(count)s waiting events are sent now."),
    ),
    "works_again_many": NoticeMessage(
        _("“%(connection)s” works again. More than %(count)s waiting events are sent now.")
    ),
    "failing": NoticeMessage(
        _(
            "All attempts to deliver to “%(connection)s” have failed since %(since)s. It "
            "will be disabled on %(disabled_on)s."
        )
    ),
    "disabled_after_failures": NoticeMessage(
        _(
            "“%(connection)s” has been disabled because all attempts have failed since "
            "%(since)s. New deliveries are held until you enable it."
        )
    ),
    "disabled_by_endpoint": NoticeMessage(
        _(
            "“%(connection)s” has been disabled because it no longer accepts deliveries. "
            "New deliveries are held until you enable it."
        )
    ),
    "not_revoked": NoticeMessage(
        _(
            "%(system)s did not confirm that our access to %(account)s was revoked. Remove "
            "our app there."
        )
    ),
    "account_not_revoked": NoticeMessage(
        _(
            "%(system)s did not confirm that our access to an account was revoked. Remove "
            "our app there."
        )
    ),
    "connected_by_former_member": NoticeMessage(
        _(
            "“%(connection)s”: %(person)s, who connected it, is no longer a member. If that "
            "account at %(system)s is closed, nothing can be sent any more. Authorize it again "
            "with an account that stays."
        )
    ),
    "webhooks_rejected": NoticeMessage(
        _(
            "All webhooks that %(system)s has sent for “%(connection)s” since %(since)s were "
            "rejected. Their causes are on the page of incoming webhooks."
        )
    ),
    "canary_refused": NoticeMessage(
        _(
            "“%(connection)s”: The hub no longer checks its webhooks by a change of its own, as "
            "%(system)s has refused the change three times. %(reason)s"
        )
    ),
    "webhooks_threatened_disabled": NoticeMessage(
        _(
            "“%(connection)s”: %(failed)s of %(answered)s webhooks of the last hour were not "
            "accepted. When %(limit)s %% fail, %(system)s stops all webhooks of the app until a "
            "person enables them again."
        )
    ),
    "webhooks_threatened_banned": NoticeMessage(
        _(
            "“%(connection)s”: %(failed)s webhooks in a row were not accepted. After %(limit)s, "
            "%(system)s sends none for 30 minutes, and what changes in that time is lost."
        )
    ),
    "webhooks_threatened_deleted": NoticeMessage(
        _(
            "“%(connection)s”: No webhook has been accepted since %(since)s. After %(limit)s "
            "hours, %(system)s deletes the registration."
        )
    ),
    "webhooks_threatened_dropped": NoticeMessage(
        _(
            "“%(connection)s”: No webhook has been accepted since %(since)s. %(system)s tries "
            "each for %(limit)s hours, and then drops it."
        )
    ),
    "webhooks_threatened_lost": NoticeMessage(
        _(
            "“%(connection)s”: A webhook was not accepted (%(failed)s so far). %(system)s does "
            "not send it again."
        )
    ),
    "webhooks_threatened_switched_off": NoticeMessage(
        _(
            "“%(connection)s”: No webhook has been accepted since %(since)s. Many senders switch "
            "a URL off after %(limit)s hours."
        )
    ),
    "webhooks_not_registered": NoticeMessage(
        _(
            "“%(connection)s”: The hub cannot register its webhooks at %(system)s, so "
            "changes there may not be received. %(reason)s"
        )
    ),
    "source_gap_held": NoticeMessage(
        _("“%(connection)s”: Changes at %(system)s may have been missed. %(reason)s %(action)s"),
        reasons=GAP_REASONS,
    ),
    "source_gap_lasting": NoticeMessage(
        _(
            "“%(connection)s”: Changes at %(system)s may be missed since %(since)s. %(reason)s "
            "%(action)s What is missed is read as far as the system allows."
        ),
        reasons=GAP_CAUSES,
    ),
    "source_gap_incomplete": NoticeMessage(
        _(
            "“%(connection)s”: Changes at %(system)s were missed, and could not all be read. "
            "%(reason)s %(action)s"
        ),
        reasons=GAP_REASONS,
    ),
    "bouncing": NoticeMessage(
        _(
            "“%(connection)s”: The record %(record)s and its counterpart in the other system "
            "changed each other several times within ten minutes. Further changes are held."
        )
    ),
    "discrepancies_found": NoticeMessage(
        _("“%(connection)s”: “%(job)s” found %(count)s new discrepancy."),
        _("“%(connection)s”: “%(job)s” found %(count)s new discrepancies."),
    ),
    "repairs_stopped": NoticeMessage(
        _(
            "“%(connection)s”: “%(job)s” would change %(count)s record, which is more than its "
            "limits allow. Nothing is repaired until a person confirms it."
        ),
        _(
            "“%(connection)s”: “%(job)s” would change %(count)s records, which is more than its "
            "limits allow. Nothing is repaired until a person confirms it."
        ),
    ),
    "run_failed": NoticeMessage(_("“%(job)s”: The run of %(time)s failed. %(reason)s")),
    "deadline_missed": NoticeMessage(
        _("“%(job)s”: The run of %(time)s has not ended by its deadline. %(reason)s")
    ),
    "log_lines_late": NoticeMessage(
        _("“%(connection)s”: %(count)s log line has been waiting to be shipped since %(since)s."),
        _(
            "“%(connection)s”: %(count)s log lines are waiting to be shipped, the oldest since "
            "%(since)s."
        ),
    ),
    "log_lines_dropped": NoticeMessage(
        _(
            "“%(connection)s”: %(count)s log line was dropped, as it could not be shipped within "
            "%(days)s days."
        ),
        _(
            "“%(connection)s”: %(count)s log lines were dropped, as they could not be shipped "
            "within %(days)s days."
        ),
    ),
    "log_lines_rejected": NoticeMessage(
        _("“%(connection)s” rejected %(count)s log line. It is not sent again."),
        _("“%(connection)s” rejected %(count)s log lines. They are not sent again."),
    ),
    "schema_drift_renamed": NoticeMessage(
        _(
            "“%(connection)s”: The field %(before)s of %(object)s is now called %(after)s. These "
            "fail, or find no value, until they use the new name: %(uses)s."
        )
    ),
    "schema_drift_removed": NoticeMessage(
        _(
            "“%(connection)s”: The field “%(field)s” of %(object)s was removed. These fail, or "
            "find no value, until they no longer use it: %(uses)s."
        )
    ),
    "schema_drift_retyped": NoticeMessage(
        _(
            "“%(connection)s”: The type of the field “%(field)s” of %(object)s changed from "
            "%(before)s to %(after)s. These may fail: %(uses)s."
        )
    ),
    "schema_drift_newly_required": NoticeMessage(
        _(
            "“%(connection)s”: The field “%(field)s” of %(object)s is now required. These create "
            "records without it and may fail: %(uses)s."
        )
    ),
    "schema_drift_picklist_value_gone": NoticeMessage(
        _(
            "“%(connection)s”: The field “%(field)s” of %(object)s no longer has the value "
            "“%(after)s”. These write it or wait for it: %(uses)s."
        )
    ),
    "schema_drift_object_removed": NoticeMessage(
        _(
            "“%(connection)s”: The object %(object)s was removed, or the connected user may no "
            "longer see it. These fail, or receive no events, until it is back: %(uses)s."
        )
    ),
    "connector_requested": NoticeMessage(
        _("%(tenant)s requests “%(name)s”. %(count)s tenant has requested it."),
        _("%(tenant)s requests “%(name)s”. %(count)s tenants have requested it."),
    ),
}


def translate_notice(message: str, parameters: Mapping[str, str | int], *, reason: str) -> str:
    """Return the sentence in the active language.

    reason: a reason code, whose sentence and action fill the parameters `reason` and `action`; the
    parameter `system` is the name of the other system.
    """
    entry = NOTICE_MESSAGES[message]
    values: dict[str, str | int] = {"reason": "", "action": "", **parameters}
    if reason:
        system = str(values.get("system", ""))
        found = entry.reasons.get(reason) or find_reason(reason, system=system)
        values |= {"reason": found.sentence, "action": found.action}
    count = values.get("count")
    if not isinstance(count, int):
        return translate_text(entry.singular) % values
    values["count"] = format_whole(count)
    text = (
        ngettext(entry.singular, entry.plural, count)
        if entry.plural
        else translate_text(entry.singular)
    )
    return text % values
