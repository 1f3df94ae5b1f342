"""The figures of the dashboard, in a fixed number of bounded queries: tables may be large."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, TypedDict

from django.contrib.auth.models import AnonymousUser
from django.db.models import Case, Count, Min, Q, QuerySet, Value, When

from connectors.registry import CONNECTORS
from hub.connections.models import DISCONNECTED, Connection, KillSwitch
from hub.connections.status.effective_status import (
    ATTENTION_STATES,
    build_effective_state_expression,
    needs_attention,
)
from hub.connections.status.expiry_forecast import build_expiring_condition
from hub.console.day_figures import (
    HOUR,
    HOURS,
    ErrorGroup,
    HourCount,
    count_hours,
    first_hour,
    group_errors,
    sum_by_reason,
    sum_days,
)
from hub.incoming.insight.webhook_health import count_incomplete_sources
from hub.notices.models import Notice
from hub.outgoing.insight.explain import EFFECTIVELY_HELD
from hub.outgoing.insight.search.conditions import STOPPED_CONDITION
from hub.outgoing.models import Delivery, Route
from hub.processes.worker_registry import Worker
from hub.queue import Heartbeat
from tenants.models import Tenant, User
from tenants.scoping import accessible_tenants, visible_rows

MAX_ROWS_PER_STATE = 2_000  # rows of one state; beyond that it reads "2,000+"
LAST_SHOWN, NOTICES_SHOWN, SWITCHES_SHOWN = 8, 6, 20


class WaitingCount(TypedDict):
    """The number of waiting deliveries with one cause: *held*, *later* (not due yet) or *due*."""

    cause: str
    rows: int
    oldest: datetime


class Hour(NamedTuple):
    starts: datetime
    delivered: int
    failed: int


class ConnectionGroup(NamedTuple):
    """Connections of one system that are in one state for one reason."""

    connector: str
    state: str
    reason: str
    connections: int
    tenants: int
    since: datetime
    ending: int = 0  # working connections of the group that will stop within days
    changed: int = 0  # connections that have been in this state for a day at most
    changed_since: datetime | None = None

    @property
    def label(self) -> str:
        return CONNECTORS[self.connector].label if self.connector in CONNECTORS else self.connector

    @property
    def needs_attention(self) -> bool:
        return needs_attention(self.state, self.reason)


@dataclass(frozen=True)
class Overview:
    now: datetime
    worker_seen_at: datetime | None
    hours: Sequence[Hour]
    waiting_count: int
    held_back_count: int  # waiting deliveries that something holds
    oldest_accepted_at: datetime | None  # accepted_at of the oldest delivery that is due
    held_reasons: Sequence[tuple[str, int]]  # by reason
    failed_reasons: Sequence[tuple[str, int]]
    connection_groups: Sequence[ConnectionGroup]
    broken_connections: Sequence[Connection]
    last_deliveries: Sequence[Delivery]
    notices: Sequence[Notice]  # the newest unseen ones
    has_tenants: bool
    has_routes: bool
    switches: Sequence[KillSwitch] = ()  # active kill switches, widest scope first
    hour_counts: Sequence[HourCount] = ()  # of two days, by system
    errors: Sequence[ErrorGroup] = ()  # failed and held, by cause, system and tenant
    later_count: int = 0  # waiting deliveries whose next attempt is not due yet
    workers_started_at: datetime | None = None  # since when the workers run that started last
    incomplete_sources: int = 0  # of which changes may have been missed

    @property
    def delivered(self) -> int:
        return sum(hour.delivered for hour in self.hours)

    @property
    def held_rows(self) -> int:
        return sum(count for _, count in self.held_reasons) + self.held_back_count

    @property
    def failed_rows(self) -> int:
        return sum(count for _, count in self.failed_reasons)

    @property
    def ending_connection_count(self) -> int:
        return sum(group.ending for group in self.connection_groups)

    @property
    def has_connections(self) -> bool:
        return bool(self.connection_groups)

    @property
    def days(self) -> dict[tuple[str, str], list[int]]:
        """Return today's and yesterday's number of each (system, state)."""
        return sum_days(self.hour_counts, now=self.now)

    def count_connections(self, *states: str) -> int:
        return sum(group.connections for group in self.connection_groups if group.state in states)


def build_overview(user: User | AnonymousUser, *, now: datetime) -> Overview:
    """Return the figures of the tenants that this user may see."""
    deliveries, connections = visible_rows(Delivery, user), visible_rows(Connection, user)
    last = list_last_deliveries(deliveries)
    waiting = {row["cause"]: row for row in count_waiting_by_cause(deliveries, now=now)}
    waiting_rows = {cause: row["rows"] for cause, row in waiting.items()}
    connection_groups = list(find_connection_groups(connections, now=now))
    hour_counts = count_hours(deliveries, now=now)
    failed, held = (
        group_errors(deliveries, state, limit=MAX_ROWS_PER_STATE, now=now)
        for state in ("failed", "held")
    )
    return Overview(
        now=now,
        worker_seen_at=Heartbeat.objects.filter(name="worker").values_list("at", flat=True).first(),
        hours=sum_hours(hour_counts, now=now),
        hour_counts=hour_counts,
        errors=[*failed, *held],
        workers_started_at=Worker.objects.aggregate(at=Min("started_at"))["at"],
        waiting_count=sum(waiting_rows.values()),
        held_back_count=waiting_rows.get("held", 0),
        later_count=waiting_rows.get("later", 0),
        oldest_accepted_at=waiting["due"]["oldest"] if "due" in waiting else None,
        held_reasons=sum_by_reason(held),
        failed_reasons=sum_by_reason(failed),
        connection_groups=connection_groups,
        broken_connections=list(
            connections.filter(state__in=ATTENTION_STATES)
            .exclude(state="disabled", reason=DISCONNECTED)
            .select_related("tenant", "lane")
            .order_by("state_changed_at")[:8]
        ),
        last_deliveries=last,
        notices=list(
            visible_rows(Notice, user)
            .filter(seen_at=None, resolved_at=None)
            .order_by("-id")[:NOTICES_SHOWN]
        ),
        switches=list_visible_switches(user),
        incomplete_sources=count_incomplete_sources(accessible_tenants(user))
        if connection_groups
        else 0,
        has_tenants=bool(connection_groups) or visible_rows(Tenant, user).exists(),
        has_routes=bool(last) or visible_rows(Route, user).exists(),
    )


def list_last_deliveries(deliveries: QuerySet[Delivery]) -> list[Delivery]:
    """Return the newest deliveries with the values that a row shows."""
    rows = deliveries.select_related("event", "tenant", "route", "connection__lane")
    return list(rows.order_by("-id")[:LAST_SHOWN])


def list_visible_switches(user: User | AnonymousUser) -> list[KillSwitch]:
    """Return the kill switches that affect this user's tenants, widest scope first.

    Those of the platform and of connectors affect every tenant.
    """
    is_visible = Q(pk__in=visible_rows(KillSwitch, user)) | Q(scope__in=("platform", "connector"))
    switches = KillSwitch.unscoped.filter(is_visible).select_related(
        "tenant", "route", "activated_by"
    )
    widest = {scope: rank for rank, scope in enumerate(KillSwitch.Level.values)}
    return sorted(
        switches.order_by("activated_at")[:SWITCHES_SHOWN], key=lambda switch: widest[switch.scope]
    )


def sum_hours(counts: Sequence[HourCount], *, now: datetime) -> list[Hour]:
    """Return the delivered and failed deliveries in each of the last hours, oldest hour first."""
    sums: Counter[tuple[datetime, str]] = Counter()
    for count in counts:
        sums[count.starts, count.state] += count.rows
    starts = [first_hour(now) + HOUR * number for number in range(HOURS)]
    return [Hour(at, sums[at, "delivered"], sums[at, "failed"]) for at in starts]


def count_waiting_by_cause(deliveries: QuerySet[Delivery], *, now: datetime) -> list[WaitingCount]:
    """Count the oldest deliveries in state *waiting*, MAX_ROWS_PER_STATE + 1 at most.

    Returns one row for each cause. *held* are those that are effectively held: by a suspended
    tenant, a kill switch, a held lane or an earlier delivery with their key. Each row has the count
    `rows` and the time `oldest`; a row with count 0 is left out.
    """
    oldest = (
        deliveries.filter(STOPPED_CONDITION, state="waiting")
        .order_by("id")
        .values("pk")[: MAX_ROWS_PER_STATE + 1]
    )
    cause = Case(
        When(EFFECTIVELY_HELD, then=Value("held")),
        When(due_at__gt=now, then=Value("later")),
        default=Value("due"),
    )
    rows = Delivery.unscoped.filter(pk__in=oldest).annotate(cause=cause).values("cause")
    return [
        WaitingCount(cause=row["cause"], rows=row["rows"], oldest=row["oldest"])
        for row in rows.annotate(rows=Count("pk"), oldest=Min("accepted_at"))
    ]


def find_connection_groups(
    connections: QuerySet[Connection], *, now: datetime
) -> Iterator[ConnectionGroup]:
    is_changed = Q(state_changed_at__gte=now - timedelta(days=1))
    annotated = connections.annotate(shown_state=build_effective_state_expression())
    grouped = annotated.values("connector_key", "shown_state", "reason").annotate(
        rows=Count("pk"),
        tenants=Count("tenant", distinct=True),
        earliest=Min("state_changed_at"),
        ending=Count("pk", filter=build_expiring_condition(now=now)),
        changed=Count("pk", filter=is_changed),
        changed_since=Min("state_changed_at", filter=is_changed),
    )
    columns = (
        "connector_key",
        "shown_state",
        "reason",
        "rows",
        "tenants",
        "earliest",
        "ending",
        "changed",
        "changed_since",
    )
    for values in grouped.order_by("connector_key", "shown_state").values_list(*columns):
        yield ConnectionGroup(*values)
