"""Reason codes of reports and syncs: why a run cannot continue, and why a message has no chart."""

from collections.abc import Mapping

from django.utils.translation import gettext_noop as _

from hub.reason_codes.reason import CORRECT_JOB_OPTIONS, Reason

REPORT_REASONS: Mapping[str, Reason] = {
    "options_invalid": Reason(_("The options of the job are not valid."), CORRECT_JOB_OPTIONS),
    "read_incomplete": Reason(
        _("The system did not send all records, so nothing was reported."),
        _("Wait for the next attempt, or run the job again later."),
    ),
    "report_unreadable": Reason(
        _("The system sent figures that cannot be read."),
        _("Check the fields in the options of the job."),
    ),
    "report_too_large": Reason(
        _("The period has too many records to be counted one by one."),
        _("Select a shorter period, or a query that the system computes."),
    ),
    # of a chart; the message was sent without it
    "picture_failed": Reason(_("The chart could not be drawn.")),
    "missing_scope": Reason(
        _("The account has not granted the permission to upload files."),
        _("Reconnect the account with this permission if reports should have a chart."),
    ),
    "file_not_ready": Reason(
        _("The system has not processed the chart yet. The message is sent again in a while.")
    ),
    "host_refused": Reason(_("The system named an unknown address for the upload.")),
}
