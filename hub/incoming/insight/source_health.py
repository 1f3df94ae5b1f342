"""Sources as pages and REST show them: registration, rhythm, gaps, and what arrived in a day."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import TruncHour
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from hub.incoming.gaps import complete_until
from hub.incoming.gaps.gap_texts import describe_gap, explain_gap
from hub.incoming.insight.subscription_status import (
    SubscriptionStatus,
    describe_subscription,
    readable_subscriptions,
)
from hub.incoming.models import (
    InboundCount,
    InboundEndpoint,
    InboundGap,
    InboundSource,
    SourceCanary,
    SourceRhythm,
    WebhookSubscription,
)
from hub.incoming.receiving.counts import NOT_FAILED, NOT_REJECTED
from hub.number_texts import format_whole
from hub.reason_codes import find_reason
from hub.state_texts import SOURCE_STATES
from tenants.scoping import TenantIds, readable_condition

HOUR, HOURS = timedelta(hours=1), 24
DAY = timedelta(days=1)
DAYS_A_MONTH = 30
SUBSCRIPTIONS_READ = 2_000  # of the sources of one page
Strip = Sequence[tuple[datetime, Sequence[int]]]  # the numbers of each hour, the oldest first
SourceRow = TypeVar("SourceRow", InboundGap, SourceRhythm)


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """A source with what is known of it.

    `subscriptions`: those that deliver it. `for_staff`: whether the reader is of our team, which
    alone registers URLs that serve all tenants.
    """

    source: InboundSource
    endpoint: InboundEndpoint | None
    subscriptions: Sequence[WebhookSubscription]
    gaps: Sequence[InboundGap]  # unfinished ones, the earliest first
    rhythms: Sequence[SourceRhythm]
    strip: Strip  # accepted, rejected, failed; empty for customers at a URL of all tenants
    for_staff: bool
    now: datetime

    @property
    def label(self) -> str:
        return self.source.object or _("all webhooks")

    @property
    def failing(self) -> Sequence[WebhookSubscription]:
        return [entry for entry in self.subscriptions if is_failing(entry)]

    @property
    def state(self) -> str:
        """Return the state that asks for most: of the source, otherwise of its registration."""
        if self.source.state != InboundSource.State.LISTENING:
            return self.source.state
        shown = next(iter((*self.failing, *self.subscriptions)), None)
        return shown.state if shown else self.source.state

    @property
    def described_state(self) -> tuple[str, str]:
        """Return the state and sentence of a failing registration, or else of the source."""
        if self.source.state == InboundSource.State.LISTENING and self.failing:
            return self.failing[0].state, self.describe(self.failing[0]).sentence
        return self.source.state, SOURCE_STATES[self.source.state].sentence

    @property
    def failing_since(self) -> datetime | None:
        starts = [entry.state_changed_at for entry in self.failing]
        if self.source.state == InboundSource.State.SILENT:
            starts.append(self.source.state_changed_at)
        return min(starts, default=None)

    @property
    def usual_rate(self) -> str:
        learned = [rhythm.per_month for rhythm in self.rhythms if rhythm.profile is not None]
        if not learned:
            return _("too little history")
        return describe_rate(sum(learned))

    @property
    def canary(self) -> SourceCanary | None:
        """Return its canary, unless it was never switched on."""
        return getattr(self.source, "canary", None)

    @property
    def canary_explanation(self) -> str:
        return describe_canary(self.source)

    @property
    def canary_refusal(self) -> str:
        """Return why the system refuses the hub's changes; "" if it does not."""
        if self.canary is None or self.canary.state != SourceCanary.State.REFUSED:
            return ""
        system = str(self.source.connection.connector.label)
        return self.canary.detail or find_reason(self.canary.reason, system=system).sentence

    @property
    def canary_rounds(self) -> tuple[int, int]:
        """Return how many canaries of the last day were heard, and how many missed."""
        since = (self.now - DAY).isoformat()
        rounds = [
            entry["ms"]
            for entry in (self.canary.rounds if self.canary else ())
            if entry["at"] > since
        ]
        missed = rounds.count(None)
        return len(rounds) - missed, missed

    @property
    def is_fading(self) -> bool:
        """Return whether it had far fewer events than usual, without being silent."""
        is_silent = self.source.state == InboundSource.State.SILENT
        return not is_silent and any(rhythm.is_fading for rhythm in self.rhythms)

    @property
    def complete_until(self) -> datetime | None:
        return complete_until(self.source, self.gaps)

    @property
    def next_check_at(self) -> datetime | None:
        return self.endpoint.next_check_at if self.endpoint else None

    @property
    def next_step(self) -> str:
        """Return what a person must do, otherwise what happens next; "" if nothing."""
        steps = [self.describe(entry).action for entry in self.failing]
        steps += [explain_gap(gap).action for gap in self.gaps]
        steps += [describe_gap(gap, now=self.now) for gap in self.gaps]
        steps += [self.describe(entry).action for entry in self.subscriptions]
        return next(filter(None, steps), "")

    def describe(self, subscription: WebhookSubscription) -> SubscriptionStatus:
        """Return the texts of a subscription, without what only our team can do."""
        status = describe_subscription(subscription)
        if self.for_staff or subscription.endpoint.connection_id is not None:
            return status
        return SubscriptionStatus(status.sentence, "", ())

    @property
    def needs_attention(self) -> bool:
        return bool(self.failing_since or self.gaps)


NO_CANARY_TEXT = gettext_lazy(
    "The hub knows no harmless change by which these webhooks could be proved."
)


def describe_canary(source: InboundSource) -> str:
    """Return what the hub writes, and where, to prove webhooks; or why it writes nothing."""
    webhooks = source.connection.connector.webhook_source
    definition = webhooks.canaries.get(source.object) if webhooks else None
    if definition is not None:
        return _(definition.explanation)
    text = webhooks.no_canary.get(source.object) if webhooks else None
    return _(text) if text else str(NO_CANARY_TEXT)


def is_failing(subscription: WebhookSubscription) -> bool:
    is_alerting = subscription.failure_count >= WebhookSubscription.ALERTING_FAILURES
    return subscription.is_wanted and (
        is_alerting or subscription.state in WebhookSubscription.UNHEALTHY_STATES
    )


def describe_rate(per_month: float) -> str:
    """Return how many events are usual, of a day if there are that many."""
    per_day = round(per_month / DAYS_A_MONTH)
    if per_day:
        text = ngettext("about %(count)s a day", "about %(count)s a day", per_day)
        return text % {"count": format_whole(per_day)}
    count = max(1, round(per_month))
    return ngettext("about %(count)s a month", "about %(count)s a month", count) % {
        "count": format_whole(count)
    }


def readable_sources(tenants: TenantIds) -> QuerySet[InboundSource]:
    """Select the sources of tenants with what pages and REST show, in one query."""
    sources = InboundSource.unscoped.select_related("tenant", "connection", "canary")
    return sources.filter(readable_condition(InboundSource, tenants))


def load_source_health(
    sources: Sequence[InboundSource], *, for_staff: bool, now: datetime
) -> list[SourceHealth]:
    """Load what is known of sources, which were read with their connections; five statements."""
    endpoints = _find_endpoints(sources)
    endpoint_ids = {endpoint.pk for endpoint in endpoints.values()}
    subscriptions = _group_subscriptions(endpoint_ids)
    strips = count_answers(
        {entry.pk for entry in endpoints.values() if for_staff or entry.connection_id}, now=now
    )
    gaps = _group_by_source(
        InboundGap.unscoped.filter(
            source__in=sources, state__in=InboundGap.UNFINISHED_STATES
        ).order_by("from_at")
    )
    rhythms = _group_by_source(SourceRhythm.unscoped.filter(source__in=sources).order_by("type"))
    return [
        SourceHealth(
            source,
            endpoint := endpoints.get(source.connection_id),
            subscriptions.get((endpoint.pk, source.object), []) if endpoint else [],
            gaps.get(source.pk, []),
            rhythms.get(source.pk, []),
            strips.get(endpoint.pk, []) if endpoint else [],
            for_staff,
            now,
        )
        for source in sources
    ]


def _find_endpoints(sources: Collection[InboundSource]) -> Mapping[int, InboundEndpoint]:
    """Return the endpoint of each source's connection: its own, otherwise that of its app."""
    connections = {source.connection_id: source.connection.connector_key for source in sources}
    shared = Q(connection=None, connector_key__in=set(connections.values()))
    own: dict[int, InboundEndpoint] = {}
    of_apps: dict[str, InboundEndpoint] = {}
    for endpoint in InboundEndpoint.unscoped.filter(Q(connection__in=connections) | shared):
        if endpoint.connection_id:
            own[endpoint.connection_id] = endpoint
        else:
            of_apps[endpoint.connector_key] = endpoint
    return {
        connection_id: found
        for connection_id, key in connections.items()
        if (found := own.get(connection_id) or of_apps.get(key))
    }


def _group_subscriptions(
    endpoint_ids: Collection[int],
) -> Mapping[tuple[int, str], Sequence[WebhookSubscription]]:
    """Return the subscriptions by endpoint and object."""
    rows = readable_subscriptions().filter(endpoint__in=endpoint_ids).order_by("key")
    groups: dict[tuple[int, str], list[WebhookSubscription]] = defaultdict(list)
    for subscription in rows[:SUBSCRIPTIONS_READ]:
        source = subscription.endpoint.connector.webhook_source
        if source is not None:
            for object in {source.find_object(type) for type in subscription.event_types}:
                groups[subscription.endpoint_id, object].append(subscription)
    return groups


def _group_by_source(rows: QuerySet[SourceRow]) -> Mapping[int, Sequence[SourceRow]]:
    groups: dict[int, list[SourceRow]] = defaultdict(list)
    for row in rows:
        groups[row.source_id].append(row)
    return groups


def count_answers(endpoint_ids: Collection[int], *, now: datetime) -> Mapping[int, Strip]:
    """Return how many requests of the last day were accepted, rejected and failed, by hour."""
    first = now.replace(minute=0, second=0, microsecond=0) - HOUR * (HOURS - 1)
    rows = (
        InboundCount.unscoped.filter(endpoint__in=endpoint_ids, minute__gte=first)
        .order_by()
        .annotate(hour=TruncHour("minute"))
        .values_list("endpoint", "hour", "cause")
        .annotate(total=Sum("count"))
    )
    numbers = {id: [[0, 0, 0] for _ in range(HOURS)] for id in endpoint_ids}
    for endpoint_id, hour, cause, total in rows:
        numbers[endpoint_id][int((hour - first) / HOUR)][_find_part(cause)] += total
    return {
        id: [(first + HOUR * number, hour) for number, hour in enumerate(hours)]
        for id, hours in numbers.items()
    }


def _find_part(cause: str) -> int:
    """Return the part of the strip that a result belongs to."""
    if cause in NOT_FAILED:
        return 0
    return 2 if cause in NOT_REJECTED else 1
