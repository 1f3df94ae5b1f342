"""The status of a tenant's log shipping in a sentence, with what a person can do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from hub.scheduled.insight.run_progress import describe_run
from hub.scheduled.models import Job, Run
from hub.scheduled.shipping.figures import (
    LogFigures,
    ShippingRun,
    find_last_error,
    measure_logs,
    recent_runs,
)
from hub.scheduled.shipping.retention import LATE_AFTER
from tenants.models import Tenant


@dataclass(frozen=True, slots=True)
class ShippingStatus:
    """A label, what it means, and the next step ("": none). `tone` is its colour."""

    tone: str
    word: str
    sentence: str
    action: str = ""


@dataclass(frozen=True, slots=True)
class ShippingView:
    """The data of a tenant's page of log shipping."""

    figures: Sequence[LogFigures]
    runs: Sequence[ShippingRun]
    last_error: Run | None
    status: ShippingStatus

    @property
    def dropped(self) -> int:
        return sum(row.dropped for row in self.figures)


def view_log_shipping(tenant: Tenant, *, now: datetime) -> ShippingView:
    """Return figures, runs and status of a tenant's logs."""
    figures, last_error = measure_logs(tenant, now=now), find_last_error(tenant)
    jobs = Job.objects.of(tenant).filter(kind=Job.Kind.SHIP, is_enabled=True)
    status = describe_shipping(figures, last_error, has_job=jobs.exists())
    return ShippingView(figures, recent_runs(tenant), last_error, status)


def describe_shipping(
    figures: Sequence[LogFigures], last_error: Run | None, *, has_job: bool
) -> ShippingStatus:
    """Return the status of log shipping; an error takes precedence over a lag."""
    backlog = sum(row.backlog for row in figures)
    lag = timedelta(seconds=max((row.lag_seconds for row in figures), default=0.0))
    if last_error is not None:
        reason = describe_run(last_error)
        return ShippingStatus("bad", _("Stopped"), reason.sentence, reason.action)
    if not has_job:
        return _describe_without_job(backlog)
    if lag > LATE_AFTER:
        return ShippingStatus(
            "warn",
            _("Late"),
            _("The oldest line has waited for more than 30 minutes."),
            _("Check whether the job runs often enough, and whether the system accepts lines."),
        )
    if backlog:
        return ShippingStatus(
            "info", _("In progress"), _("The next run ships the lines that wait.")
        )
    return ShippingStatus("good", _("Up to date"), _("All lines that were received are shipped."))


def _describe_without_job(backlog: int) -> ShippingStatus:
    action = _("Create a job of log shipping, or ask our team for one.")
    if backlog:
        return ShippingStatus(
            "warn", _("Not shipped"), _("Lines wait, and no job ships them."), action
        )
    return ShippingStatus("idle", _("Not set up"), _("No job ships log lines."), action)
