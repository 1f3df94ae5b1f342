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
    "run_crashed": Reason(
        _("The process that executed it ended several times without progress."),
        _("Start the job again after the next release."),
    ),
}
