"""The recent activity of integrations: deliveries of their routes, and runs of their jobs."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hub.outgoing.models import Delivery
from hub.recipes.models import Integration, IntegrationPart
from hub.scheduled.models import Run
from tenants.models import Tenant

WEEK = timedelta(days=7)
DELIVERIES_SCANNED = 10_000  # the newest of the tenant: a page may not wait for a count of millions
WAITING_STATES = ("waiting", "sending")
OPEN_RUN_STATES = ("waiting", "running", "blocked")


@dataclass(slots=True)
class Activity:
    """Counts since a time. `is_partial`: there were more deliveries than were counted."""

    since: datetime
    delivered: int = 0
    waiting: int = 0
    held: int = 0
    failed: int = 0
    finished_runs: int = 0
    failed_runs: int = 0
    open_runs: int = 0
    last_at: datetime | None = None
    is_partial: bool = False

    @property
    def has_any(self) -> bool:
        return self.last_at is not None

    @property
    def attention_count(self) -> int:
        """Return the number of deliveries and runs that need attention."""
        return self.held + self.failed + self.failed_runs

    def count_delivery(self, state: str) -> None:
        if state == "delivered":
            self.delivered += 1
        elif state in WAITING_STATES:
            self.waiting += 1
        elif state == "held":
            self.held += 1
        elif state == "failed":
            self.failed += 1

    def count_run(self, state: str) -> None:
        if state == "finished":
            self.finished_runs += 1
        elif state == "failed":
            self.failed_runs += 1
        elif state in OPEN_RUN_STATES:
            self.open_runs += 1

    def record_time(self, at: datetime) -> None:
        self.last_at = at if self.last_at is None else max(self.last_at, at)


@dataclass(frozen=True, slots=True)
class IntegrationIdsByPart:
    """The integrations of routes and jobs, by the primary keys of these."""

    routes: Mapping[int, int] = field(default_factory=dict)
    jobs: Mapping[int, int] = field(default_factory=dict)


def count_activity(
    tenant: Tenant, integrations: Sequence[Integration], *, since: datetime
) -> Mapping[int, Activity]:
    """Return the activity of each integration of the tenant since a time, by primary key.

    Three queries for any number of integrations.
    """
    owners = _load_integration_ids(integrations)
    activities: defaultdict[int, Activity] = defaultdict(lambda: Activity(since))
    rows = _list_deliveries(tenant) if owners.routes else []
    for route_id, state, at in rows:
        if route_id in owners.routes and at >= since:
            activity = activities[owners.routes[route_id]]
            activity.count_delivery(state)
            activity.record_time(at)
    is_partial = len(rows) == DELIVERIES_SCANNED and rows[-1][2] >= since
    for job_id, state, at in _list_runs(owners.jobs, since):
        activity = activities[owners.jobs[job_id]]
        activity.count_run(state)
        activity.record_time(at)
    for integration in integrations:
        activities[integration.pk].is_partial = is_partial
    return activities


def _load_integration_ids(integrations: Iterable[Integration]) -> IntegrationIdsByPart:
    parts = IntegrationPart.unscoped.filter(
        integration__in=[integration.pk for integration in integrations]
    )
    rows = list(parts.values_list("integration_id", "route_id", "job_id"))
    return IntegrationIdsByPart(
        {route_id: owner for owner, route_id, _job in rows if route_id is not None},
        {job_id: owner for owner, _route, job_id in rows if job_id is not None},
    )


def _list_deliveries(tenant: Tenant) -> list[tuple[int, str, datetime]]:
    """Return route, state and time of the tenant's newest deliveries, by their index."""
    newest = Delivery.objects.of(tenant).order_by("-pk")
    return list(newest.values_list("route_id", "state", "accepted_at")[:DELIVERIES_SCANNED])


def _list_runs(jobs: Iterable[int], since: datetime) -> list[tuple[int, str, datetime]]:
    runs = Run.unscoped.filter(job__in=list(jobs), created_at__gte=since)
    return list(
        runs.order_by("-pk").values_list("job_id", "state", "created_at")[:DELIVERIES_SCANNED]
    )
