"""What waits for one connection: how many, since when, and how long it takes to send it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min, Q

from hub.connections.lasting import grouped, lasts
from hub.connections.models import Connection

COUNTED = 10_000  # beyond that it is "more than"
PACE = timedelta(minutes=5)  # over which it is measured how fast it goes
LOOKED = 2_000  # of the tenant's newest deliveries


@dataclass(frozen=True, slots=True)
class Backlog:
    count: int
    more: bool
    oldest: datetime | None
    seconds: int  # that sending takes at the allowed rate, from the moment when it may go
    a_minute: int  # that were delivered lately
    held: bool  # nothing of it goes until a cause is gone: it reads as held


def backlog(connection: Connection, *, now: datetime) -> Backlog:
    """In two bounded questions, and two more where something waits."""
    first = connection.deliveries.filter(state="waiting").order_by("due_at").values("pk")
    rows = connection.deliveries.filter(pk__in=first[: COUNTED + 1]).order_by()
    counted = list(
        rows.values("connection", "route__connector_key", "route__action").annotate(
            rows=Count("pk"), oldest=Min("accepted_at"), unsures=Count("pk", filter=Q(possibly_delivered=True))
        )
    )
    count = sum(row["rows"] for row in counted)
    return Backlog(
        count=min(count, COUNTED),
        more=count > COUNTED,
        oldest=min((row["oldest"] for row in counted), default=None),
        seconds=lasts(grouped(counted), now=now) if counted else 0,
        a_minute=pace(connection, now=now),
        held=is_held(connection),
    )


def is_held(connection: Connection) -> bool:
    """Whether a closed lane, a switch or a suspended tenant holds what waits."""
    lane = getattr(connection, "lane", None)
    suspended = connection.tenant is not None and connection.tenant.suspended
    return suspended or (lane is not None and bool(lane.hold_reason or lane.switched_off_by))


def pace(connection: Connection, *, now: datetime) -> int:
    if connection.tenant is None:
        return 0  # it is nobody's alone: its newest are not found by an index
    newest = connection.tenant.deliveries.order_by("-pk").values("pk")[:LOOKED]
    gone = connection.deliveries.filter(pk__in=newest, state="delivered", state_changed_at__gt=now - PACE)
    return round(gone.count() / (PACE.total_seconds() / 60))
