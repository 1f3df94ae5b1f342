"""Figures of the sources of webhooks: what was accepted, repeated and rejected in each hour."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Min, Sum
from django.db.models.functions import TruncHour

from connectors.registry import CONNECTORS
from hub.charts import Column, stacked_columns
from hub.incoming.insight.rows import describe_cause
from hub.incoming.models import InboundCount, InboundItem, InboundMessage, WebhookSubscription
from hub.incoming.receiving.storage import ACCEPTED, DUPLICATE, NOT_REJECTED
from tenants.scoping import TenantIds, readable_condition

HOURS = 24


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
        """The causes of rejections in words, the most frequent first."""
        return [(describe_cause(cause), n) for cause, n in self.rejected_by_cause.most_common()]

    @property
    def bars(self) -> list[tuple[SourceHour, Column]]:
        stacks = [(hour.accepted, hour.duplicate, hour.rejected) for hour in self.hours]
        return list(zip(self.hours, stacked_columns(stacks), strict=True))


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
    """What waits in the inbox, and what a person must look at."""

    oldest_at: datetime | None  # when the oldest message that waits was received
    quarantined: int
    unmatched: int
    broken_subscriptions: int


def measure_inbox(tenants: TenantIds, *, limit: int) -> InboxHealth:
    """Measure the inbox in four statements, which count at most `limit` + 1 rows of a kind."""
    waiting = InboundMessage.unscoped.filter(due_at__isnull=False)
    items = InboundItem.unscoped.filter(readable_condition(InboundItem, tenants))
    subscriptions = WebhookSubscription.unscoped.filter(
        readable_condition(WebhookSubscription, tenants),
        failure_count__gte=WebhookSubscription.ALERTING_FAILURES,
    )
    return InboxHealth(
        waiting.filter(readable_condition(InboundMessage, tenants)).aggregate(
            oldest=Min("received_at")
        )["oldest"],
        items.filter(state="quarantined").order_by("-pk").values("pk")[: limit + 1].count(),
        items.filter(state="unmatched").order_by("-pk").values("pk")[: limit + 1].count(),
        subscriptions.values("pk")[: limit + 1].count(),
    )
