"""Count the deliveries of the last two days: by hour and system; failed and held ones by cause.

One bounded query for each state.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.db.models import CharField, Count, F, Min, Q, QuerySet
from django.db.models.functions import Cast, Substr

from hub.connections.quotas.quota_names import describe_system
from hub.outgoing.insight.search.conditions import STOPPED_CONDITION
from hub.outgoing.models import Delivery

DAY = timedelta(hours=24)
HOUR = timedelta(hours=1)
HOURS = 24
DELIVERIES_SCANNED = 20_000  # the newest ones, among which those of two days are counted
DRAWN_STATES = ("delivered", "failed")


class HourCount(NamedTuple):
    """How many deliveries of a system reached a state in the hour that begins at `starts`."""

    starts: datetime
    connector_key: str
    state: str
    rows: int


class ErrorGroup(NamedTuple):
    """Failed or held deliveries of one tenant at one system with one reason code.

    `today` counts those of the last 24 hours, `yesterday` those of the 24 hours before; `since` is
    the time of the first of today.
    """

    state: str
    reason: str
    connector_key: str
    tenant_id: int
    tenant_name: str
    rows: int
    today: int
    yesterday: int
    since: datetime | None

    @property
    def system(self) -> str:
        return describe_system(self.connector_key)


def first_hour(now: datetime) -> datetime:
    """Return the start of the oldest of the last 24 hours, the current one included."""
    return now.astimezone(UTC).replace(minute=0, second=0, microsecond=0) - HOUR * (HOURS - 1)


def count_hours(deliveries: QuerySet[Delivery], *, now: datetime) -> list[HourCount]:
    """Count the delivered and failed deliveries of each system in each of the last 48 hours."""
    newest = deliveries.order_by("-id").values("pk")[:DELIVERIES_SCANNED]
    # year to hour, as both databases write a time in UTC
    hour = Substr(Cast("state_changed_at", CharField()), 1, 13)
    changed = Delivery.unscoped.filter(
        pk__in=newest, state__in=DRAWN_STATES, state_changed_at__gte=first_hour(now) - DAY
    )
    counted = changed.annotate(hour=hour).values("hour", "route__connector_key", "state")
    rows = counted.annotate(rows=Count("pk")).order_by("hour", "route__connector_key", "state")
    return [
        HourCount(
            datetime.strptime(row["hour"].replace("T", " "), "%Y-%m-%d %H").replace(tzinfo=UTC),
            row["route__connector_key"],
            row["state"],
            row["rows"],
        )
        for row in rows
    ]


def group_errors(
    deliveries: QuerySet[Delivery], state: str, *, limit: int, now: datetime
) -> list[ErrorGroup]:
    """Group the newest stopped deliveries, `limit` + 1 at most, by cause, system and tenant."""
    newest = (
        deliveries.filter(STOPPED_CONDITION, state=state).order_by("-id").values("pk")[: limit + 1]
    )
    is_today = Q(state_changed_at__gte=now - DAY)
    grouped = (
        Delivery.unscoped.filter(pk__in=newest)
        .values("reason", "route__connector_key", "tenant_id", name=F("tenant__name"))
        .annotate(
            rows=Count("pk"),
            today=Count("pk", filter=is_today),
            yesterday=Count("pk", filter=~is_today & Q(state_changed_at__gte=now - 2 * DAY)),
            since=Min("state_changed_at", filter=is_today),
        )
        .order_by("-rows", "reason", "tenant_id")
    )
    columns = ("reason", "route__connector_key", "tenant_id", "name", "rows", "today", "yesterday")
    return [ErrorGroup(state, *values) for values in grouped.values_list(*columns, "since")]


def sum_by_reason(groups: Iterable[ErrorGroup]) -> list[tuple[str, int]]:
    """Return the number of deliveries of each reason, the most frequent first."""
    counts: Counter[str] = Counter()
    for group in groups:
        counts[group.reason] += group.rows
    return counts.most_common()


def sum_days(counts: Sequence[HourCount], *, now: datetime) -> dict[tuple[str, str], list[int]]:
    """Return today's and yesterday's number of each (system, state), in whole hours of UTC."""
    start = first_hour(now)
    sums: dict[tuple[str, str], list[int]] = {}
    for count in counts:
        days = sums.setdefault((count.connector_key, count.state), [0, 0])
        days[0 if count.starts >= start else 1] += count.rows
    return sums
