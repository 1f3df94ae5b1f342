"""Retention of log lines: lines that wait too long are dropped and counted.

A shipment that is late creates a notice.

Shipped lines are deleted by `hub.prune`, a day after they were received: until then a repeated
request finds its key.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Max, Q, QuerySet

from hub.connections.models import Connection
from hub.notices.models import Notice
from hub.notices.notify import create_notice, resolve_notices
from hub.scheduled.models import Job, LogChunk, LogPosition
from hub.scheduled.shipping.figures import SHIPPING_KIND, is_replaced, positions_with_age
from hub.scheduled.shipping.shipment import Shipment

# kinds of notices
DROPPED, LATE, REJECTED = "log_lines_dropped", "log_lines_late", "log_lines_rejected"
LATE_AFTER = timedelta(minutes=30)
POSITIONS_AT_ONCE = 100  # of one step


def drop_expired_lines(*, now: datetime) -> int:
    """Drop lines that waited longer than HUB_KEEP_LOG_DAYS; return how many.

    A step of the sweep. Shipped lines are deleted much earlier, so lines of that age were waiting.
    """
    expired_before = now - timedelta(days=settings.HUB_KEEP_LOG_DAYS)
    expired = LogChunk.unscoped.filter(received_at__lt=expired_before)
    logs = expired.order_by().values_list("tenant", "source").distinct()[:POSITIONS_AT_ONCE]
    return sum(
        drop_lines_of_log(tenant, source, expired_before, now=now) for tenant, source in list(logs)
    )


@transaction.atomic
def drop_lines_of_log(
    tenant_id: int, source: str, received_before: datetime, *, now: datetime
) -> int:
    """Delete the expired chunks of a log, and advance its positions; return how many lines were
    dropped, by the job that dropped most.

    A run that is shipping this log notices this, and begins again.
    """
    positions = LogPosition.unscoped.select_for_update(of=("self",), no_key=True).order_by("pk")
    positions = positions.filter(tenant=tenant_id, log__source=source)
    positions = positions.select_related("log", "job")
    expired = LogChunk.unscoped.filter(
        tenant=tenant_id, source=source, received_at__lt=received_before
    )
    end = expired.aggregate(end=Max(F("first_line") + F("line_count")))["end"] or 0
    expired.delete()
    return max((drop_lines(position, end, now=now) for position in positions), default=0)


def drop_lines(position: LogPosition, end: int, *, now: datetime) -> int:
    """Advance a position to this line; return how many lines were dropped, and notify of them."""
    count = max(0, end - position.shipped_line)
    if not count:
        return 0
    shipment = Shipment(position.shipped_line, position.batches)
    shipped = shipment.drop(end)
    position.shipped_line, position.batches = shipment.shipped_line, shipment.to_json()
    position.dropped_count += count - shipped
    position.save(update_fields=["shipped_line", "batches", "dropped_count"])
    if not is_replaced(position):
        days = settings.HUB_KEEP_LOG_DAYS
        notify_lost(DROPPED, DROPPED, position, count - shipped, now=now, days=days)
    return count - shipped


def notify_rejected(position: LogPosition, count: int, *, now: datetime) -> None:
    """Create a notice of lines that the system refuses, each alone."""
    notify_lost(REJECTED, REJECTED, position, count, now=now)


def notify_lost(
    kind: str, message: str, position: LogPosition, count: int, *, now: datetime, **parameters: int
) -> None:
    """Create a notice of lines that do not arrive, at most one a day for each log and kind."""
    if not count:
        return
    connection = find_log_connection(position)
    create_notice(
        kind,
        message,
        {"count": count, **build_system_parameter(connection), **parameters},
        occurrence=f"{position.pk}:{now:%Y-%m-%d}",
        tenant_id=position.tenant_id,
        connection_id=connection.pk if connection else None,
        now=now,
    )


def notify_late_logs(*, now: datetime) -> None:
    """Create a notice for each log whose oldest line has waited for LATE_AFTER; at most one a day.

    A step of the sweep. The notice is resolved when no line of the tenant waits that long any more.
    """
    late_positions = find_late_positions(now=now).order_by("pk")
    positions = [position for position in late_positions if not is_replaced(position)]
    positions_by_occurrence = {f"{position.pk}:{now:%Y-%m-%d}": position for position in positions}
    for name in find_new_occurrences(positions_by_occurrence):
        notify_late_log(positions_by_occurrence[name], name, now=now)
    resolve_notices_of_logs({position.tenant_id for position in positions}, now=now)


def find_new_occurrences(names: Collection[str]) -> list[str]:
    """Return the occurrences without a notice."""
    keys = {f"{LATE}:{name}": name for name in names}
    if not keys:
        return []
    noticed_keys = set(Notice.unscoped.filter(key__in=keys).values_list("key", flat=True))
    return [name for key, name in keys.items() if key not in noticed_keys]


def find_late_positions(*, now: datetime) -> QuerySet[Any]:
    waiting = LogPosition.unscoped.filter(log__next_line__gt=F("shipped_line"))
    return positions_with_age(waiting).filter(waiting_since__lt=now - LATE_AFTER)


def notify_late_log(position: Any, occurrence: str, *, now: datetime) -> None:
    connection = find_log_connection(position)
    waiting_since: datetime = position.waiting_since  # annotated
    create_notice(
        LATE,
        LATE,
        {
            "count": position.log.next_line - position.shipped_line,
            "since": f"{waiting_since:%Y-%m-%d %H:%M} UTC",
            **build_system_parameter(connection),
        },
        occurrence=occurrence,
        tenant_id=position.tenant_id,
        connection_id=connection.pk if connection else None,
        now=now,
    )


def resolve_notices_of_logs(late_tenants: set[int], *, now: datetime) -> None:
    """Resolve the notices of connections of tenants whose logs are not late any more."""
    unresolved = Notice.unscoped.filter(kind=LATE, resolved_at=None, connection__isnull=False)
    for connection_id in unresolved.exclude(tenant__in=late_tenants).values_list(
        "connection", flat=True
    ):
        resolve_notices(LATE, connection_id=connection_id, now=now)


def find_log_connection(position: LogPosition) -> Connection | None:
    """Return the connection to which the position's job ships, or to which a job will; or None."""
    tenant_id, is_candidate = position.tenant_id, Q(is_enabled=True)
    if position.job_id is not None:
        is_candidate = Q(pk=position.job_id)
    candidates = Job.unscoped.filter(is_candidate, kind=SHIPPING_KIND)
    own_jobs = candidates.filter(tenant=tenant_id, connection__isnull=False)
    if (job := own_jobs.select_related("connection").first()) is not None:
        return job.connection
    systems = candidates.filter(tenant=tenant_id) | candidates.filter(tenant=None)
    connections = Connection.unscoped.filter(
        tenant=tenant_id, connector_key__in=systems.values("connector_key")
    )
    return connections.order_by("pk").first()


def build_system_parameter(connection: Connection | None) -> Mapping[str, str]:
    return {"connection": connection.name if connection else "–"}
