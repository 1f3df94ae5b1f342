"""State changes of deliveries in the last day by hour; bounded, in a table of millions."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import CharField, Count, F, QuerySet
from django.db.models.functions import Cast, Substr

from hub.outgoing.insight.explain import effective_state_case
from hub.outgoing.models import Delivery

HOURS = 24


class HourlyCounts(NamedTuple):
    starts: datetime
    counts: tuple[int, ...]  # one for each requested state


def count_by_hour(
    newest: QuerySet[Delivery, Any], states: Sequence[str], *, now: datetime
) -> list[HourlyCounts]:
    """Count the deliveries with these ids that reached one of the states, by hour, oldest first."""
    start = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(
        hours=HOURS - 1
    )
    # year to hour, as both databases write a time in UTC
    hour = Substr(Cast("state_changed_at", CharField()), 1, 13)
    # *held* is the only effective state that differs from the stored one
    state = effective_state_case() if "held" in states else F("state")
    changed = Delivery.unscoped.filter(pk__in=newest, state_changed_at__gte=start)
    in_states = changed.annotate(effective=state).filter(effective__in=states)
    counted = in_states.values("effective").annotate(hour=hour, rows=Count("pk"))
    count_rows = counted.values_list("hour", "effective", "rows")
    counts = {(text.replace("T", " "), state): count for text, state, count in count_rows}
    starts = [start + timedelta(hours=number) for number in range(HOURS)]
    return [
        HourlyCounts(at, tuple(counts.get((f"{at:%Y-%m-%d %H}", state), 0) for state in states))
        for at in starts
    ]
