"""Webhook health: the endpoints that we call, and the sources whose webhooks we receive.

A fixed number of statements, each of a bounded number of rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from connectors.registry import ENDPOINT_CONNECTOR
from hub.connections.models import DISCONNECTED, Connection
from hub.connections.status.connection_status import ConnectionStatus, describe_statuses
from hub.incoming.gaps import describe_completeness
from hub.incoming.insight.source_health import (
    SourceHealth,
    Strip,
    load_source_health,
    readable_sources,
)
from hub.incoming.models import InboundGap, InboundMessage, InboundSource, WebhookSubscription
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
VIEWS: Mapping[str, Promise] = {
    "": gettext_lazy("All"),
    "failing": gettext_lazy("Failing"),
    "silent": gettext_lazy("Silent"),
    "rejected": gettext_lazy("Rejected"),
    "manual": gettext_lazy("Manual"),
}
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
class HealthQuery:
    """Which rows are shown: a key of VIEWS, and after which row of each group."""

    view: str = ""
    called_after: UUID | None = None
    received_after: UUID | None = None


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


def parse_health_query(data: Mapping[str, str]) -> HealthQuery:
    """Read the query of the page's URL; what is not valid counts as absent."""
    view = data.get("view", "")
    return HealthQuery(
        view if view in VIEWS else "",
        _parse_id(data.get("endpoints_after", "")),
        _parse_id(data.get("after", "")),
    )


def _parse_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def build_webhook_health(
    tenants: TenantIds, query: HealthQuery, *, for_staff: bool, zone: tzinfo, now: datetime
) -> WebhookHealth:
    """Build the page of these tenants; the times in its sentence are of the zone."""
    connections, last_called = _take_page(_select_called(tenants, query), query.called_after)
    sources, last_received = _take_page(
        select_sources(tenants, query.view, now=now), query.received_after
    )
    incomplete = count_incomplete_sources(tenants)
    return WebhookHealth(
        sentence=_describe_all(tenants, incomplete, zone=zone, now=now),
        is_complete=not incomplete,
        called=_show_problems_first(_load_called(tenants, connections, now=now)),
        received=_show_problems_first(load_source_health(sources, for_staff=for_staff, now=now)),
        more_called=_build_query(query.view, "endpoints_after", last_called),
        more_received=_build_query(query.view, "after", last_received),
        views=[
            View(label, _build_query(key) or "?", key == query.view) for key, label in VIEWS.items()
        ],
    )


def _build_query(view: str, name: str = "", id: UUID | None = None) -> str:
    """Return the query of a page; "" without a row after which it begins and without a view."""
    if name and id is None:
        return ""
    pairs = [f"view={view}"] if view else []
    pairs += [f"{name}={id}"] if name else []
    return f"?{'&'.join(pairs)}" if pairs else ""


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
    if view == "rejected":
        return sources.filter(connection__in=_select_rejections(now=now))
    if view == "manual":
        return sources.filter(_build_registered_condition(Q(state="manual")))
    if view == "failing":
        is_failing = Q(state__in=WebhookSubscription.UNHEALTHY_STATES) | Q(
            failure_count__gte=WebhookSubscription.ALERTING_FAILURES
        )
        unfinished = InboundGap.unscoped.filter(state__in=InboundGap.UNFINISHED_STATES)
        return sources.filter(
            _build_registered_condition(is_failing) | Q(pk__in=unfinished.values("source"))
        )
    return sources


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


def _take_page(rows: QuerySet[Row], after: UUID | None) -> tuple[list[Row], UUID | None]:
    """Return the rows of a page, newest first, and the last one's id if there are more."""
    if after is not None:
        rows = rows.filter(public_id__lt=after)
    found = list(rows.order_by("-public_id")[: ROWS_SHOWN + 1])
    shown = found[:ROWS_SHOWN]
    return shown, shown[-1].public_id if len(found) > len(shown) else None


def _show_problems_first(rows: Sequence[ShownRow]) -> list[ShownRow]:
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
