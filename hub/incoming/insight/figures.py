"""Statistics of webhook sources: accepted, repeated and rejected requests in each hour."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Min, Sum
from django.db.models.functions import TruncHour
from django.utils.translation import gettext_lazy

from connectors.registry import CONNECTORS
from hub.incoming.insight.rows import describe_cause
from hub.incoming.models import InboundCount, InboundItem, InboundMessage, WebhookSubscription
from hub.incoming.receiving.counts import ACCEPTED, DUPLICATE, NOT_REJECTED
from tenants.scoping import TenantIds, readable_condition

HOURS = 24
CHART_PARTS = (  # tone and label
    ("good", gettext_lazy("accepted")),
    ("info", gettext_lazy("repeated")),
    ("bad", gettext_lazy("rejected")),
)


@dataclass(frozen=True, slots=True)
class SourceHour:
    starts: datetime
    accepted: int
    duplicate: int
    rejected: int


@dataclass(slots=True)
class SourceFigures:
    """The requests of one system in the last day, by hour, and the rejected ones by cause."""

    connector_key: str
    hours: Sequence[SourceHour]
    rejected_by_cause: Counter[str] = field(default_factory=Counter)

    @property
    def label(self) -> str:
        connector = CONNECTORS.get(self.connector_key)
        return str(connector.label) if connector else self.connector_key

    @property
    def accepted(self) -> int:
        return sum(hour.accepted for hour in self.hours)

    @property
    def duplicate(self) -> int:
        return sum(hour.duplicate for hour in self.hours)

    @property
    def rejected(self) -> int:
        return sum(hour.rejected for hour in self.hours)

    @property
    def causes(self) -> list[tuple[str, int]]:
        """Return the causes of rejections as texts, the most frequent first."""
        return [(describe_cause(cause), n) for cause, n in self.rejected_by_cause.most_common()]

    @property
    def counts_by_hour(self) -> list[tuple[datetime, tuple[int, int, int]]]:
        """Return the hours as the chart takes them, in the order of `CHART_PARTS`."""
        return [
            (hour.starts, (hour.accepted, hour.duplicate, hour.rejected)) for hour in self.hours
        ]


def list_source_figures(tenants: TenantIds, *, now: datetime) -> list[SourceFigures]:
    """List the figures of each system that sent webhooks in the last day; one statement."""
    first = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS - 1)
    rows = (
        InboundCount.unscoped.filter(readable_condition(InboundCount, tenants), minute__gte=first)
        .order_by()
        .annotate(hour=TruncHour("minute"))
        .values_list("endpoint__connector_key", "hour", "cause")
        .annotate(total=Sum("count"))
    )
    totals: dict[str, Counter[tuple[datetime, str]]] = {}
    for connector_key, hour, cause, total in rows:
        totals.setdefault(connector_key, Counter())[hour, cause] += total
    starts = [first + timedelta(hours=number) for number in range(HOURS)]
    return [_build_figures(key, totals[key], starts) for key in sorted(totals)]


def _build_figures(
    connector_key: str, totals: Counter[tuple[datetime, str]], starts: Sequence[datetime]
) -> SourceFigures:
    causes: Counter[str] = Counter()
    rejected: Counter[datetime] = Counter()
    for (hour, cause), total in totals.items():
        if cause not in NOT_REJECTED:
            causes[cause] += total
            rejected[hour] += total
    hours = [
        SourceHour(hour, totals[hour, ACCEPTED], totals[hour, DUPLICATE], rejected[hour])
        for hour in starts
    ]
    return SourceFigures(connector_key, hours, causes)


@dataclass(frozen=True, slots=True)
class InboxHealth:
    """The backlog of the inbox, and the numbers of items that require a person."""

    oldest_at: datetime | None = None  # when the oldest message that waits was received
    quarantined: int = 0
    unmatched: int = 0
    broken_subscriptions: int = 0

    def measure_age(self, *, now: datetime) -> timedelta:
        """Return the age of the oldest waiting message."""
        return now - self.oldest_at if self.oldest_at else timedelta()


def measure_inbox(tenants: TenantIds, *, limit: int) -> InboxHealth:
    """Measure the inbox in three indexed queries, which read at most `limit` + 1 rows each."""
    waiting = InboundMessage.unscoped.filter(
        readable_condition(InboundMessage, tenants), due_at__isnull=False
    )
    items = InboundItem.unscoped.filter(
        readable_condition(InboundItem, tenants), state__in=("quarantined", "unmatched")
    )
    subscriptions = WebhookSubscription.unscoped.filter(
        readable_condition(WebhookSubscription, tenants),
        failure_count__gte=WebhookSubscription.ALERTING_FAILURES,
    )
    states = Counter(items.order_by("-pk").values_list("state", flat=True)[: limit + 1])
    return InboxHealth(
        waiting.aggregate(oldest=Min("received_at"))["oldest"],
        states["quarantined"],
        states["unmatched"],
        subscriptions.order_by().values("pk")[: limit + 1].count(),
    )
