"""Reason codes of runs of jobs."""

from collections.abc import Mapping

from django.utils.translation import gettext_noop as _

from hub.reason_codes.reason import Reason

SCHEDULED_REASONS: Mapping[str, Reason] = {
    "still_running": Reason(
        _("An earlier run of the job had not ended when its window was over."),
        _("Widen the window, or run the job less often."),
    ),
    "slot_missed": Reason(
        _("The hub was not running at its time, and noticed that after its window was over."),
        _("Start the job by hand if it is still needed."),
    ),
    "window_missed": Reason(
        _("It could not start in its window."),
        _("Widen the window, or start the job by hand."),
    ),
    "job_disabled": Reason(_("The job was disabled before it started."), _("Enable the job.")),
    "bulk_job_running": Reason(
        _("The system prepares the records that the run reads. The run goes on by itself."),
    ),
    "bulk_job": Reason(
        _("The system writes many records together, as one job. The hub asks for the results."),
    ),
    "log_in_use": Reason(
        _("Another run ships the same log at the moment."),
        _("Ship each log of a tenant by one job only."),
    ),
    "log_lines_refused": Reason(
        _("The system refuses many log lines, one after another."),
        _("Check the options of the job, such as the index and the indexed fields."),
    ),
    "not_acknowledged": Reason(
        _("The system does not acknowledge the lines that it received."),
        _("Check the indexers of Splunk, and the acknowledgement setting of the token."),
    ),
    "takes_no_lines": Reason(
        _("The system of this connection takes no log lines."),
        _("Choose a connection to Splunk."),
    ),
    "unknown_collection": Reason(
        _("Our application has no such log."), _("Change the collection of the job.")
    ),
    "excluded": Reason(
        _("Our team left the tenant out of the job before it started."),
    ),
    "run_crashed": Reason(
        _("The process that executed it ended several times without progress."),
        _("Start the job again after the next release."),
    ),
}
