"""Schedule the checks of schemas: each night, and soon after a use has changed.

The checks are spread over the night by the connection's id, in the tenant's time zone.
"""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from connectors.registry import CONNECTORS
from hub.connections.models import DISCONNECTED, Connection
from hub.drift.check import CheckResult, SchemaCheckContext, check_connection_objects
from hub.drift.findings import resolve_findings
from hub.drift.models import DriftFinding, DriftSchedule, SchemaBaseline
from hub.outgoing.models import Route
from hub.queue import Heartbeat, record_heartbeat, wake_up
from hub.scheduled.models import Job

NIGHT_BEGINS, NIGHT_LENGTH = time(1), timedelta(hours=4)
SPREAD_PRIME = 997  # a prime: neighbours in a list of connections are checked at different times
FIRST_CHECKS_PERIOD = timedelta(minutes=5)  # over which the first checks of connections are spread
CHANGED_USES_EVERY = timedelta(minutes=1)  # for routes, mappings and jobs that have changed
CHANGED_USE_INTERVAL = timedelta(seconds=3)  # between the checks that such a change causes
CHANGED_USES_HEARTBEAT = "drift_changes"
CHECK_CLAIM = timedelta(minutes=5)  # longer than the check of one connection takes
RETRY_DELAY, RETRY_DELAY_MAX = timedelta(minutes=10), timedelta(hours=6)
CONNECTIONS_AT_ONCE = 100  # of one step
CHANGED_USES_PERIOD = CONNECTIONS_AT_ONCE * CHANGED_USE_INTERVAL
# a person must act first, or nothing may be sent
UNCHECKED_STATES = ("paused", "disabled", "needs_reconnect")


def wake_up_due_drift_checks(*, now: datetime) -> None:
    """Create missing schedules, and wake the task that checks due connections.

    A step of the sweep.
    """
    create_missing_schedules(now=now)
    is_recent = Heartbeat.objects.filter(
        name=CHANGED_USES_HEARTBEAT, at__gt=now - CHANGED_USES_EVERY
    ).exists()
    if not is_recent:
        record_heartbeat(CHANGED_USES_HEARTBEAT, now=now)
        schedule_checks_of_changed_uses(now=now)
    if find_due_schedules(now=now).exists():
        wake_up("drift", now=now)


def create_missing_schedules(*, now: datetime) -> None:
    """Create the schedules of connections whose systems have schemas."""
    keys = [key for key, connector in CONNECTORS.items() if connector.schema is not None]
    connections = Connection.unscoped.filter(
        connector_key__in=keys, drift_schedule=None, tenant__isnull=False
    ).exclude(state="disabled", reason=DISCONNECTED)
    DriftSchedule.unscoped.bulk_create(
        [
            DriftSchedule(connection_id=pk, check_at=now + spread_over(FIRST_CHECKS_PERIOD, pk))
            for pk in connections.order_by("pk").values_list("pk", flat=True)[:CONNECTIONS_AT_ONCE]
        ],
        ignore_conflicts=True,
    )


def schedule_checks_of_changed_uses(*, now: datetime) -> None:
    """Make connections due whose routes, mappings or jobs have changed since the last check.

    Each is due CHANGED_USE_INTERVAL after the one before, as a job of all tenants concerns all
    their connections. Those that are due within CHANGED_USES_PERIOD keep their time and place, and
    the one that was checked longest ago comes first: no change of others postpones a check.
    """
    own = Q(tenant=None) | Q(tenant=OuterRef("connection__tenant"))
    key = OuterRef("connection__connector_key")
    routes = Route.unscoped.filter(own, Q(connector_key=key) | Q(origin_connector_key=key))
    jobs = Job.unscoped.filter(own, connector_key=OuterRef("connection__connector_key"))
    planned = OuterRef("planned_at")
    has_changed = (
        Q(Exists(routes.filter(changed_at__gt=planned)))
        | Q(Exists(routes.filter(mapping__versions__created_at__gt=planned)))
        | Q(Exists(jobs.filter(updated_at__gt=planned)))
    )
    period_end = now + CHANGED_USES_PERIOD
    soon_count = DriftSchedule.unscoped.filter(check_at__gt=now, check_at__lt=period_end).count()
    schedules = DriftSchedule.unscoped.filter(has_changed, check_at__gte=period_end)
    rows = schedules.order_by("planned_at", "pk")[: max(0, CONNECTIONS_AT_ONCE - soon_count)]
    for number, row in enumerate(rows, soon_count):
        row.check_at = now + number * CHANGED_USE_INTERVAL
    DriftSchedule.unscoped.bulk_update(rows, ["check_at"])


def find_due_schedules(*, now: datetime) -> QuerySet[DriftSchedule]:
    due = DriftSchedule.unscoped.filter(check_at__lte=now).order_by("check_at")
    return due.select_related("connection__tenant", "connection__credential")


def check_due_schedules(context: SchemaCheckContext) -> None:
    """Check due connections, the most overdue first, until the time limit."""
    while not context.is_late():
        schedule = find_due_schedules(now=context.clock()).first()
        if schedule is None:
            return
        if claim_schedule(schedule, now=context.clock()):
            check_scheduled_connection(schedule.connection, context)


def claim_schedule(schedule: DriftSchedule, *, now: datetime) -> bool:
    """Claim the check by compare-and-swap; if the process dies, it is due after CHECK_CLAIM."""
    unchanged = DriftSchedule.unscoped.filter(pk=schedule.pk, check_at=schedule.check_at)
    return bool(unchanged.update(check_at=now + CHECK_CLAIM))


def check_scheduled_connection(connection: Connection, context: SchemaCheckContext) -> CheckResult:
    """Check a connection and schedule the next check; a connection that may not send is skipped."""
    planned_at = context.clock()
    if connection.is_disconnected:
        forget_connection(connection, now=planned_at)
        return CheckResult(())
    if connection.state in UNCHECKED_STATES:
        _schedule_next(connection, find_next_night(connection, now=planned_at), planned_at)
        return CheckResult(())
    result = check_connection_objects(connection, context)
    record_check(connection, result, planned_at=planned_at, now=context.clock())
    return result


@transaction.atomic
def forget_connection(connection: Connection, *, now: datetime) -> None:
    """Resolve the findings of a disconnected connection: they do not break anything any more."""
    open_findings = DriftFinding.unscoped.filter(connection=connection, resolved_at=None)
    resolve_findings(open_findings, now=now)
    SchemaBaseline.unscoped.filter(connection=connection).delete()
    DriftSchedule.unscoped.filter(connection=connection).delete()


def record_check(
    connection: Connection, result: CheckResult, *, planned_at: datetime, now: datetime
) -> None:
    """Store the result of a check, and schedule the next one: soon if a read failed."""
    next_night = find_next_night(connection, now=now)
    if result.is_complete:
        _schedule_next(
            connection,
            next_night,
            planned_at,
            checked_at=now,
            failure_count=0,
            failure="",
            failure_detail="",
        )
        return
    schedule = DriftSchedule.unscoped.filter(connection=connection).first()
    count = schedule.failure_count if schedule else 0
    retry_at = now + min(RETRY_DELAY * 2 ** min(count, 10), RETRY_DELAY_MAX)
    reason, detail = "", ""
    if result.failures:
        _key, outcome = result.failures[-1]
        reason, detail = outcome.reason[:60], outcome.detail[:300]
        if outcome.kind in ("never", "reconnect", "disable"):
            retry_at = next_night
    _schedule_next(
        connection,
        min(retry_at, next_night),
        planned_at,
        failure_count=F("failure_count") + 1,
        failure=reason,
        failure_detail=detail,
    )


def _schedule_next(
    connection: Connection, check_at: datetime, planned_at: datetime, **changes: object
) -> None:
    DriftSchedule.unscoped.filter(connection=connection).update(
        check_at=check_at, planned_at=planned_at, **changes
    )


def find_next_night(connection: Connection, *, now: datetime) -> datetime:
    """Return the connection's time in its tenant's next night, at least an hour from now."""
    zone = ZoneInfo(connection.tenant.time_zone) if connection.tenant else ZoneInfo("UTC")
    day = (now + timedelta(hours=1)).astimezone(zone).date()
    for days in range(3):
        begins = datetime.combine(day + timedelta(days=days), NIGHT_BEGINS, zone)
        at = begins + spread_over(NIGHT_LENGTH, connection.pk)
        if at > now + timedelta(hours=1):
            return at
    raise AssertionError("a night begins each day")


def spread_over(period: timedelta, number: int) -> timedelta:
    """Return a part of the period that is derived from the number: the same at each call."""
    return period * ((number * 619 % SPREAD_PRIME) / SPREAD_PRIME)
