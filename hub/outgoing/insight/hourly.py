"""What became of deliveries in the last day, hour by hour: bounded, as the table behind it may hold millions."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.db.models import CharField, Count, F, QuerySet
from django.db.models.functions import Cast, Substr

from hub.outgoing.insight.explain import effective_state_case
from hub.outgoing.models import Delivery

HOURS = 24


class HourlyCounts(NamedTuple):
    starts: datetime
    counts: tuple[int, ...]  # one for each state that was asked for


def count_by_hour(
    newest: QuerySet[Delivery], states: Sequence[str], *, now: datetime
) -> list[HourlyCounts]:
    """Of the deliveries with these ids, those that came into one of the states in the last hours, oldest first."""
    start = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(
        hours=HOURS - 1
    )
    hour = Substr(
        Cast("state_changed_at", CharField()), 1, 13
    )  # a text as both databases write it, in UTC
    state_case = (
        effective_state_case() if "held" in states else F("state")
    )  # nothing else reads otherwise
    moved = Delivery.unscoped.filter(pk__in=newest, state_changed_at__gte=start).annotate(
        reads=state_case
    )
    of_states = moved.filter(reads__in=states).values("reads").annotate(hour=hour, rows=Count("pk"))
    count_rows = of_states.values_list("hour", "reads", "rows")
    counts = {(text.replace("T", " "), state): count for text, state, count in count_rows}
    starts = [start + timedelta(hours=number) for number in range(HOURS)]
    return [
        HourlyCounts(at, tuple(counts.get((f"{at:%Y-%m-%d %H}", state), 0) for state in states))
        for at in starts
    ]
