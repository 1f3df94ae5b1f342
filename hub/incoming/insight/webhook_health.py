"""Webhook health: the endpoints that we call, and the sources whose webhooks we receive.

A fixed number of statements, each of a bounded number of rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any, NamedTuple, TypeVar

from django.db.models import Case, Q, QuerySet, When
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from connectors.registry import ENDPOINT_CONNECTOR
from hub.connections.models import DISCONNECTED, Connection
from hub.connections.status.connection_status import ConnectionStatus, describe_statuses
from hub.incoming.gaps import describe_completeness
from hub.incoming.insight.health_query import (
    VIEWS,
    HealthQuery,
    Position,
    build_page_query,
    parse_health_query,
)
from hub.incoming.insight.source_health import (
    SourceHealth,
    Strip,
    load_source_health,
    readable_sources,
)
from hub.incoming.models import (
    InboundGap,
    InboundMessage,
    InboundSource,
    SourceRhythm,
    WebhookSubscription,
)
from hub.number_texts import format_whole
from hub.outgoing.insight.endpoint_stats import (
    ANSWER_PARTS,
    EndpointStats,
    compute_endpoint_stats,
)
from hub.outgoing.models import Delivery
from tenants.scoping import TenantIds, readable_condition

DAY = timedelta(days=1)
ROWS_SHOWN = 50  # of each group
COUNT_LIMIT = 2_000  # sources that are counted
CALLED_PROBLEM = ~Q(state="healthy") | Q(lane__failing_since__isnull=False)
RECEIVED_PARTS = (
    ("good", gettext_lazy("accepted")),
    ("warn", gettext_lazy("rejected")),
    ("bad", gettext_lazy("failed")),
)


class View(NamedTuple):
    """A link to the rows with one kind of problem."""

    label: str | Promise
    query: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class CalledEndpoint:
    """An endpoint of a customer that we call."""

    connection: Connection
    status: ConnectionStatus
    stats: EndpointStats
    strip: Strip

    @property
    def failing_since(self) -> datetime | None:
        return self.connection.lane.failing_since

    @property
    def next_step(self) -> str:
        return self.status.action or self.status.reason_text

    @property
    def needs_attention(self) -> bool:
        return bool(self.failing_since) or self.status.tone != "good"


@dataclass(frozen=True, slots=True)
class WebhookHealth:
    """The page. `more_called`, `more_received`: the query of the next page; "" without one."""

    sentence: str
    is_complete: bool
    called: Sequence[CalledEndpoint]
    received: Sequence[SourceHealth]
    more_called: str
    more_received: str
    views: Sequence[View]


def build_health_context(
    data: Mapping[str, str], tenants: TenantIds, *, for_staff: bool, zone: tzinfo, now: datetime
) -> dict[str, Any]:
    """Return the context of the page, by the query of its URL."""
    query = parse_health_query(data)
    return {
        "health": build_webhook_health(tenants, query, for_staff=for_staff, zone=zone, now=now),
        "is_filtered": bool(query.view),
        "called_parts": ANSWER_PARTS,
        "received_parts": RECEIVED_PARTS,
    }


def build_webhook_health(
    tenants: TenantIds, query: HealthQuery, *, for_staff: bool, zone: tzinfo, now: datetime
) -> WebhookHealth:
    """Build the page of these tenants; the times in its sentence are of the zone."""
    connections, last_called = _take_page(
        _select_called(tenants, query), CALLED_PROBLEM, query.called_after
    )
    sources, last_received = _take_page(
        select_sources(tenants, query.view, now=now),
        build_problem_condition(),
        query.received_after,
    )
    incomplete = count_incomplete_sources(tenants)
    return WebhookHealth(
        sentence=_describe_all(tenants, incomplete, zone=zone, now=now),
        is_complete=not incomplete,
        called=_show_problems_first(_load_called(tenants, connections, now=now)),
        received=_show_problems_first(load_source_health(sources, for_staff=for_staff, now=now)),
        more_called=build_page_query(query.view, "endpoints_after", last_called),
        more_received=build_page_query(query.view, "after", last_received),
        views=[
            View(label, build_page_query(key) or "?", key == query.view)
            for key, label in VIEWS.items()
        ],
    )


# --- which rows -----------------------------------------------------------------------------------


def _select_called(tenants: TenantIds, query: HealthQuery) -> QuerySet[Connection]:
    """Select the endpoints that customers run; of the views, only that of failing ones has them."""
    connections = Connection.unscoped.filter(
        readable_condition(Connection, tenants), connector_key=ENDPOINT_CONNECTOR.key
    ).exclude(state="disabled", reason=DISCONNECTED)
    if query.view == "failing":
        connections = connections.filter(lane__failing_since__isnull=False)
    elif query.view:
        connections = connections.none()
    return connections.select_related("lane", "tenant")


def select_sources(tenants: TenantIds, view: str, *, now: datetime) -> QuerySet[InboundSource]:
    """Select the sources that routes want, with what a row shows: of a view only its problems."""
    sources = readable_sources(tenants).filter(retired_at=None)
    if view == "silent":
        return sources.exclude(state=InboundSource.State.LISTENING)
    if view == "fading":
        fading = SourceRhythm.unscoped.filter(is_fading=True).values("source")
        return sources.filter(pk__in=fading).exclude(state=InboundSource.State.SILENT)
    if view == "rejected":
        return sources.filter(connection__in=_select_rejections(now=now))
    if view == "manual":
        return sources.filter(_build_registered_condition(Q(state="manual")))
    return sources.filter(_build_failing_condition()) if view == "failing" else sources


def _build_failing_condition() -> Q:
    is_failing = Q(state__in=WebhookSubscription.UNHEALTHY_STATES) | Q(
        failure_count__gte=WebhookSubscription.ALERTING_FAILURES
    )
    unfinished = InboundGap.unscoped.filter(state__in=InboundGap.UNFINISHED_STATES)
    return _build_registered_condition(is_failing) | Q(pk__in=unfinished.values("source"))


def build_problem_condition() -> Q:
    """Match the sources that are shown first; those of one connection may share the problem."""
    return Q(state=InboundSource.State.SILENT) | _build_failing_condition()


def _build_registered_condition(condition: Q) -> Q:
    """Match sources whose connection, or its app, has such a wanted registration."""
    rows = WebhookSubscription.unscoped.filter(condition, is_wanted=True)
    own = rows.filter(endpoint__connection__isnull=False).values("endpoint__connection")
    of_apps = rows.filter(endpoint__connection=None).values("endpoint__connector_key")
    return Q(connection__in=own) | Q(connection__connector_key__in=of_apps)


def _select_rejections(*, now: datetime) -> QuerySet[InboundMessage, Any]:
    """Select the connections of requests that were rejected in the last day."""
    rejected = InboundMessage.unscoped.filter(state="rejected", received_at__gte=now - DAY)
    return rejected.filter(connection__isnull=False).values("connection")


Row = TypeVar("Row", Connection, InboundSource)
ShownRow = TypeVar("ShownRow", CalledEndpoint, SourceHealth)


def _take_page(
    rows: QuerySet[Row], problem: Q, after: Position | None
) -> tuple[list[Row], Position | None]:
    """Return the rows of a page, problems first, and the last one's place if there are more."""
    placed: QuerySet[Any] = rows.annotate(is_problem=Case(When(problem, then=1), default=0))
    if after is not None:
        is_later = Q(is_problem=after.is_problem, public_id__lt=after.id)
        placed = placed.filter(is_later | Q(is_problem__lt=after.is_problem))
    found = list(placed.order_by("-is_problem", "-public_id")[: ROWS_SHOWN + 1])
    shown = found[:ROWS_SHOWN]
    if len(found) == len(shown):
        return shown, None
    return shown, Position(shown[-1].is_problem, shown[-1].public_id)


def _show_problems_first(rows: Sequence[ShownRow]) -> list[ShownRow]:
    """Sort a page, as its rows say more exactly than the query which of them have a problem."""
    return sorted(rows, key=lambda row: not row.needs_attention)


def _load_called(
    tenants: TenantIds, connections: Sequence[Connection], *, now: datetime
) -> list[CalledEndpoint]:
    """Load what is known of endpoints, in two statements."""
    deliveries = Delivery.unscoped.filter(readable_condition(Delivery, tenants))
    ids = [connection.pk for connection in connections]
    stats = compute_endpoint_stats(deliveries, ids, now=now) if ids else {}
    return [
        CalledEndpoint(connection, status, figures, figures.list_hours(now=now))
        for connection, status in describe_statuses(connections)
        for figures in (stats.get(connection.pk, EndpointStats()),)
    ]


# --- the sentence on top --------------------------------------------------------------------------


def count_incomplete_sources(tenants: TenantIds) -> int:
    """Count the sources of which something may have been missed, COUNT_LIMIT + 1 at most."""
    gaps = InboundGap.unscoped.filter(
        readable_condition(InboundGap, tenants), state__in=InboundGap.UNFINISHED_STATES
    )
    return gaps.order_by().values("source").distinct()[: COUNT_LIMIT + 1].count()


def _describe_all(tenants: TenantIds, incomplete: int, *, zone: tzinfo, now: datetime) -> str:
    """Return what may be missing, by the earliest gap; "" without a source."""
    if not incomplete:
        return _describe_proofs(tenants)
    gaps = InboundGap.unscoped.filter(
        readable_condition(InboundGap, tenants), state__in=InboundGap.UNFINISHED_STATES
    )
    gap = gaps.select_related("connection").order_by("from_at").first()
    if gap is None:  # it has just been closed
        return _describe_proofs(tenants)
    sentence = describe_completeness(gap.connection, zone=zone, now=now)
    if incomplete == 1:
        return sentence
    others = incomplete - 1
    more = ngettext(
        "%(count)s further source is not complete.",
        "%(count)s further sources are not complete.",
        others,
    )
    return f"{sentence} · {more % {'count': format_whole(others)}}"


def _describe_proofs(tenants: TenantIds) -> str:
    """Return whether it is known of all sources that nothing was missed."""
    sources = InboundSource.unscoped.filter(
        readable_condition(InboundSource, tenants), retired_at=None
    ).order_by()
    unproved = sources.filter(heard_at=None, canary_heard_at=None, listed_at=None, read_until=None)
    count = unproved.values("pk")[: COUNT_LIMIT + 1].count()
    if count:
        text = ngettext(
            "Nothing is known to be missing. Of %(count)s source it is not known yet.",
            "Nothing is known to be missing. Of %(count)s sources it is not known yet.",
            count,
        )
        return text % {"count": format_whole(count)}
    return _("All sources are complete.") if sources.exists() else ""
