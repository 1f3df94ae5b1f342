"""Statistics of connections over 24 hours: calls, failures and durations by hour."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from hub.db.ids import smallest_id_at
from hub.outgoing.models import Attempt, Delivery

HOUR, HOURS = timedelta(hours=1), 24
DELIVERIES_SCANNED = 10_000  # newest deliveries of the tenant
DELIVERIES_COUNTED = 2_000  # of them
SUCCESS_OUTCOMES = {"delivered", "pending"}
# the classes of answers: tone and label
ANSWER_PARTS = (
    ("good", _("accepted")),
    ("warn", _("refused")),
    ("bad", _("errors")),
    ("info", _("no answer")),
)
# reasons of answers that are not called after their status
REFUSALS, ERRORS = (
    {"gone", "redirected", "throttled", "unauthorized"},
    {"unavailable", "maintenance"},
)


@dataclass(slots=True)
class EndpointStats:
    # by class of ANSWER_PARTS and by hour, the oldest first
    answers: list[list[int]] = field(
        default_factory=lambda: [[0] * HOURS for _part in ANSWER_PARTS]
    )
    durations_ms: list[int] = field(default_factory=list)  # milliseconds

    @property
    def calls(self) -> int:
        return sum(map(sum, self.answers))

    def list_hours(self, *, now: datetime) -> list[tuple[datetime, tuple[int, ...]]]:
        """Return the start of each hour, with its answers by class."""
        start = now - HOURS * HOUR
        return [
            (start + hour * HOUR, counts)
            for hour, counts in enumerate(zip(*self.answers, strict=True))
        ]

    @property
    def calls_last_hour(self) -> int:
        return sum(counts[-1] for counts in self.answers)

    @property
    def failure_percent(self) -> int | None:
        failed = self.calls - sum(self.answers[0])
        return round(100 * failed / self.calls) if self.calls else None

    @property
    def p95(self) -> int | None:
        """The 95th percentile of durations, in milliseconds."""
        return (
            sorted(self.durations_ms)[int(0.95 * (len(self.durations_ms) - 1))]
            if self.durations_ms
            else None
        )


def compute_endpoint_stats(
    deliveries: QuerySet[Delivery], connections: Collection[int], *, now: datetime
) -> dict[int, EndpointStats]:
    """Compute the statistics by connection, in one statement, of the newest deliveries only."""
    newest = deliveries.order_by("-pk").values("pk")[:DELIVERIES_SCANNED]
    start = now - HOURS * HOUR
    recent_deliveries = Delivery.unscoped.filter(
        pk__in=newest, connection__in=connections, public_id__gte=smallest_id_at(start)
    )
    attempts = Attempt.unscoped.filter(
        delivery__in=recent_deliveries.order_by("-pk").values("pk")[:DELIVERIES_COUNTED],
        started_at__gt=start,
    )
    stats_by_connection: dict[int, EndpointStats] = defaultdict(EndpointStats)
    attempt_rows = attempts.order_by().values_list(
        "delivery__connection", "started_at", "milliseconds", "outcome", "reason"
    )
    for connection, started_at, milliseconds, outcome, reason in attempt_rows:
        hour = min(HOURS - 1, max(0, int((started_at - start) / HOUR)))
        stats = stats_by_connection[connection]
        stats.answers[classify_answer(outcome, reason)][hour] += 1
        if milliseconds is not None:
            stats.durations_ms.append(milliseconds)
    return stats_by_connection


def classify_answer(outcome: str, reason: str) -> int:
    """Return the class of an attempt's answer, an index of ANSWER_PARTS."""
    if outcome in SUCCESS_OUTCOMES:
        return 0
    if reason in REFUSALS or reason.startswith(("status_3", "status_4")):
        return 1
    return 2 if reason in ERRORS or reason.startswith("status_5") else 3
