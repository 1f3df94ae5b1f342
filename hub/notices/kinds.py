"""The kinds of notices: what the reader can do, and how they are mailed.

To add a notice: a kind in `NOTICE_KINDS`, a message in `NOTICE_MESSAGES`, and a call of
`create_notice`.
"""

from typing import NamedTuple

from django.utils.translation import gettext_noop as _

from hub.reason_codes import translate_text

CONNECTION_PAGE = "connections/{connection}/"
RUN_PAGE = "runs/{occurrence}/"
GAP_PAGE = "webhooks/gaps/{occurrence}/"


class NoticeKind(NamedTuple):
    """A kind of notice: its label, what the reader can do, and how its mails are sent.

    `is_mailed`: members receive it by mail by default. `can_wait`: the mail may wait for the end of
    quiet hours or for the daily mail. `page`: the page on which the reader does what `todo` says,
    below the pages of the tenant; it may name the connection and the occurrence.
    """

    marked_label: str
    marked_todo: str
    is_mailed: bool
    can_wait: bool = True
    page: str = CONNECTION_PAGE

    @property
    def label(self) -> str:
        return translate_text(self.marked_label)

    @property
    def todo(self) -> str:
        return translate_text(self.marked_todo)


NOTICE_KINDS = {
    "needs_reconnect": NoticeKind(
        _("A connection must be authorized again"),
        _("Authorize it again"),
        True,
        can_wait=False,
        page=f"{CONNECTION_PAGE}reconnect/",
    ),
    "works_again": NoticeKind(_("A connection works again"), _("View the connection"), True),
    "failing": NoticeKind(
        _("All attempts of a connection fail, and it will be disabled"),
        _("View the failures"),
        True,
        page="events/?connection={connection}",
    ),
    "disabled": NoticeKind(
        _("A connection was disabled"), _("Enable it again"), True, can_wait=False
    ),
    "not_revoked": NoticeKind(
        _("An authorization could not be revoked"), _("View the connection"), True
    ),
    "webhooks_not_registered": NoticeKind(
        _("The hub cannot register its webhooks at a system"), _("View the connection"), True
    ),
    "bouncing": NoticeKind(
        _("Two systems keep changing the same records"), _("View the connection"), True
    ),
    "discrepancies": NoticeKind(
        _("A reconciliation found new discrepancies"),
        _("View the discrepancies"),
        True,
        page="discrepancies/?run={occurrence}",
    ),
    "degraded": NoticeKind(
        _("A connection works, but has a problem"), _("View the connection"), False
    ),
    "log_lines_late": NoticeKind(
        _("Log lines are late"), _("View log shipping"), True, page="logs/"
    ),
    "log_lines_dropped": NoticeKind(
        _("Log lines were dropped"), _("View log shipping"), True, can_wait=False, page="logs/"
    ),
    "log_lines_rejected": NoticeKind(
        _("Log lines were rejected"), _("View log shipping"), True, can_wait=False, page="logs/"
    ),
    "run_failed": NoticeKind(_("A scheduled run failed"), _("View the run"), True, page=RUN_PAGE),
    "deadline_missed": NoticeKind(
        _("A scheduled run did not end in time"), _("View the run"), True, page=RUN_PAGE
    ),
    "schema_drift": NoticeKind(
        _("A field that is used has changed in a system"),
        _("View the changes"),
        True,
        page=f"{CONNECTION_PAGE}schema/",
    ),
    "connected_by_former_member": NoticeKind(
        _("The person who connected an account is no longer a member"),
        _("View the connection"),
        True,
    ),
    "webhooks_rejected": NoticeKind(
        _("All webhooks of a system are rejected"), _("View the connection"), True
    ),
    "source_gap": NoticeKind(
        _("Changes of a system were missed, and are not read yet"),
        _("View the gap"),
        True,
        page=GAP_PAGE,
    ),
    "canary_refused": NoticeKind(
        _("The check of a system's webhooks was switched off"), _("View the connection"), True
    ),
    "webhooks_threatened": NoticeKind(
        _("A system is about to stop its webhooks"),
        _("View webhook health"),
        True,
        can_wait=False,
        page="webhooks/",
    ),
}
