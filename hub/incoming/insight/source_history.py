"""The last week of a source: what arrived by hour, what was expected, and its gaps."""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hub.charts import HEIGHT, WIDTH, Bar, Column, round_top, stacked_columns, time_bar
from hub.incoming.gaps.gap_actions import SOURCE_READ_ACTIONS, find_obstacle
from hub.incoming.insight.gap_page import ShownGap, show_gap
from hub.incoming.insight.source_health import load_source_health
from hub.incoming.models import (
    InboundGap,
    InboundSource,
    RhythmDay,
    SourceCanary,
    SourceRhythm,
    WebhookSubscription,
)

HOUR, DAYS, HOURS = timedelta(hours=1), 7, 7 * 24
GAPS_SHOWN, DAYS_READ = 50, 400
HOURS_A_DAY = 24


@dataclass(frozen=True, slots=True)
class HistoryHour:
    at: datetime
    received: int
    expected: float | None  # None: too little history


@dataclass(frozen=True, slots=True)
class SourceHistory:
    """A chart of a week, in its units, with the rows of its table; `gaps`: newest first."""

    hours: Sequence[HistoryHour]
    top: int
    columns: Sequence[Column]
    expected_line: str  # the points of a line; "": too little history
    gap_bars: Sequence[Bar]
    ticks: Sequence[Bar]  # when a canary was heard
    gaps: Sequence[ShownGap]

    @property
    def received(self) -> int:
        return sum(hour.received for hour in self.hours)


def build_source_history(
    source: InboundSource, rhythms: Sequence[SourceRhythm], *, now: datetime
) -> SourceHistory:
    """Build the last week of a source, in two statements."""
    first = now.replace(minute=0, second=0, microsecond=0) - HOUR * (HOURS - 1)
    last = first + HOUR * HOURS
    received = _count_by_hour(rhythms, first)
    rates = sum_rates(rhythms)
    zone = ZoneInfo(source.tenant.time_zone)
    hours = [
        HistoryHour(at, count, find_expected(rates, at, zone))
        for number, count in enumerate(received)
        for at in (first + HOUR * number,)
    ]
    top = round_top(max(max(hour.received, hour.expected or 0) for hour in hours))
    gaps = list(
        InboundGap.unscoped.filter(source=source)
        .select_related("connection", "source__connection")
        .order_by("-pk")[:GAPS_SHOWN]
    )
    return SourceHistory(
        hours=hours,
        top=top,
        columns=stacked_columns([[count] for count in received], top),
        expected_line=_draw_line([hour.expected for hour in hours], top),
        gap_bars=[
            time_bar(gap.from_at, gap.to_at or now, first, last)
            for gap in gaps
            if gap.state != InboundGap.State.CANCELLED and (gap.to_at or now) > first
        ],
        ticks=[time_bar(at, at, first, last) for at in _list_canaries(source) if at > first],
        gaps=[show_gap(gap, now=now) for gap in gaps],
    )


def build_source_context(
    source: InboundSource, *, for_staff: bool, now: datetime
) -> dict[str, Any]:
    """Return the context of a source's page."""
    (entry,) = load_source_health([source], for_staff=for_staff, now=now)
    return {
        "entry": entry,
        "gap_usual": find_expected_gap_seconds(source, entry.rhythms, now=now),
        "history": build_source_history(source, entry.rhythms, now=now),
        "cannot_be_read": find_obstacle(source),
        "actions": [
            action for action in SOURCE_READ_ACTIONS.values() if action.is_available(source)
        ],
        "registrations": [
            (
                subscription,
                entry.describe(subscription),
                _list_evidence(source, subscription)
                if for_staff or subscription.endpoint.connection_id is not None
                else (),
            )
            for subscription in entry.subscriptions
        ],
    }


def _list_evidence(
    source: InboundSource, subscription: WebhookSubscription
) -> list[tuple[str, str]]:
    """Return what the system said of a registration, by its labels; the rest is the hub's own."""
    role = source.connection.connector.subscriptions
    labels = role.evidence_labels if role else {}
    evidence = subscription.evidence
    return [(label, str(evidence[name])) for name, label in labels.items() if evidence.get(name)]


def _count_by_hour(rhythms: Sequence[SourceRhythm], first: datetime) -> list[int]:
    """Return how many items arrived in each hour from `first`, of all types of the source."""
    counts = [0] * HOURS
    days = RhythmDay.unscoped.filter(rhythm__in=rhythms, day__gte=first.date())
    for day in days.order_by("day")[:DAYS_READ]:
        midnight = datetime.combine(day.day, time(), UTC)
        for hour in range(HOURS_A_DAY):
            number = round((midnight + HOUR * hour - first) / HOUR)
            if 0 <= number < HOURS:
                counts[number] += getattr(day, f"h{hour:02}")
    return counts


def sum_rates(rhythms: Iterable[SourceRhythm]) -> list[float]:
    """Return the usual events of each hour of the week, from Monday; empty: too little history."""
    learned = [array("f", bytes(rhythm.profile)) for rhythm in rhythms if rhythm.profile]
    return [sum(rates) for rates in zip(*learned, strict=True)]


def find_expected(rates: Sequence[float], at: datetime, zone: ZoneInfo) -> float | None:
    """Return the usual events of the hour of a time; None: too little history."""
    if not rates:
        return None
    local = at.astimezone(zone)
    return rates[local.weekday() * HOURS_A_DAY + local.hour]


def _list_canaries(source: InboundSource) -> list[datetime]:
    """Return when canaries were heard: those of the last day, or else the newest one."""
    canary: SourceCanary | None = getattr(source, "canary", None)
    rounds = canary.rounds if canary else []
    heard = [datetime.fromisoformat(entry["at"]) for entry in rounds if entry["ms"] is not None]
    return heard or ([source.canary_heard_at] if source.canary_heard_at else [])


def find_expected_gap_seconds(
    source: InboundSource, rhythms: Iterable[SourceRhythm], *, now: datetime
) -> float | None:
    """Return the usual time between two events of these rhythms at this hour; None: not known."""
    expected = find_expected(sum_rates(rhythms), now, ZoneInfo(source.tenant.time_zone))
    return HOUR.total_seconds() / expected if expected else None


def _draw_line(values: Sequence[float | None], top: int) -> str:
    """Return the points of a line through the middle of each column."""
    slot = WIDTH / max(1, len(values))
    points = [
        f"{(number + 0.5) * slot:.2f},{HEIGHT * (1 - value / top):.2f}"
        for number, value in enumerate(values)
        if value is not None
    ]
    return " ".join(points)
