"""How things are, in a fixed number of bounded questions: the tables behind them may hold millions of rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import BooleanField, Case, Count, Min, Q, QuerySet, Value, When

from connectors.registry import CONNECTORS
from hub.connections.forecast import endangered
from hub.connections.models import Connection, KillSwitch
from hub.connections.stands import shown_state_column
from hub.notices.models import Notice
from hub.outgoing import lately
from hub.outgoing.explain import READS_AS_HELD
from hub.outgoing.models import Delivery, Route
from hub.outgoing.search import STOPPED
from hub.queue import Heartbeat
from tenants.models import Tenant
from tenants.scoping import visible_to

COUNTED = 2_000  # rows of one state; beyond that it reads "2,000+"
RECENT = 20_000  # of the newest deliveries, in which the last day is looked for
NOTICES_SHOWN, SWITCHES_SHOWN = 6, 20
NEED_A_PERSON = ("needs_reconnect", "degraded", "silent", "disabled")


class Hour(NamedTuple):
    starts: datetime
    delivered: int
    failed: int


class Trouble(NamedTuple):
    """Connections of one system that are in one state for one reason."""

    connector: str
    state: str
    reason: str
    connections: int
    tenants: int
    since: datetime
    ending: int = 0  # of them, connections that work and stop within days

    @property
    def label(self) -> str:
        return CONNECTORS[self.connector].label if self.connector in CONNECTORS else self.connector


@dataclass(frozen=True)
class Overview:
    now: datetime
    worker_at: datetime | None
    hours: Sequence[Hour]
    waiting: int
    held_back: int  # waiting behind something that holds it
    oldest: datetime | None  # of what waits although it could go
    held: Sequence[tuple[str, int]]  # by reason
    failed: Sequence[tuple[str, int]]
    troubles: Sequence[Trouble]
    broken: Sequence[Connection]
    last: Sequence[Delivery]
    notices: Sequence[Notice]  # the newest that nobody has seen
    has_tenants: bool
    has_routes: bool
    switches: Sequence[KillSwitch] = ()  # that are off, the widest first

    @property
    def delivered(self) -> int:
        return sum(hour.delivered for hour in self.hours)

    @property
    def held_rows(self) -> int:
        return sum(count for _, count in self.held) + self.held_back

    @property
    def failed_rows(self) -> int:
        return sum(count for _, count in self.failed)

    @property
    def ending(self) -> int:
        return sum(trouble.ending for trouble in self.troubles)

    @property
    def has_connections(self) -> bool:
        return bool(self.troubles)

    def connections(self, *states: str) -> int:
        return sum(trouble.connections for trouble in self.troubles if trouble.state in states)


def overview(user: Any, *, now: datetime) -> Overview:
    """As far as this person may see."""
    deliveries, connections = visible_to(Delivery, user), visible_to(Connection, user)
    last = list(deliveries.select_related("event", "tenant", "route", "connection__lane").order_by("-id")[:8])
    waiting = waiting_by_cause(deliveries)
    troubles = list(troubles_of(connections, now=now))
    could_go = [row["oldest"] for row in waiting if not row["stopped"]]
    return Overview(
        now=now,
        worker_at=Heartbeat.objects.filter(name="worker").values_list("at", flat=True).first(),
        hours=by_hour(deliveries, now=now),
        waiting=sum(row["rows"] for row in waiting),
        held_back=sum(row["rows"] for row in waiting if row["stopped"]),
        oldest=min(could_go, default=None),
        held=by_reason(deliveries, "held"),
        failed=by_reason(deliveries, "failed"),
        troubles=troubles,
        broken=connections.filter(state__in=NEED_A_PERSON)
        .select_related("tenant", "lane")
        .order_by("state_changed_at")[:8],
        last=last,
        notices=list(visible_to(Notice, user).filter(seen_at=None, resolved_at=None).order_by("-id")[:NOTICES_SHOWN]),
        switches=switches_seen_by(user),
        has_tenants=bool(troubles) or visible_to(Tenant, user).exists(),
        has_routes=bool(last) or visible_to(Route, user).exists(),
    )


def switches_seen_by(user: Any) -> list[KillSwitch]:
    """What stops the tenants that this person looks after, the whole platform and systems included."""
    seen = Q(pk__in=visible_to(KillSwitch, user)) | Q(scope__in=("platform", "connector"))
    rows = KillSwitch.unscoped.filter(seen).select_related("tenant", "route", "activated_by")
    widest = {scope: place for place, scope in enumerate(KillSwitch.Level.values)}
    return sorted(rows.order_by("activated_at")[:SWITCHES_SHOWN], key=lambda row: widest[row.scope])


def by_hour(deliveries: QuerySet[Delivery], *, now: datetime) -> list[Hour]:
    """What was delivered or given up in each of the last hours, oldest first."""
    newest = deliveries.order_by("-id").values("pk")[:RECENT]
    return [Hour(at, *counts) for at, counts in lately.by_hour(newest, ("delivered", "failed"), now=now)]


def waiting_by_cause(deliveries: QuerySet[Delivery]) -> list[dict[str, Any]]:
    """The oldest that wait, by whether something holds them."""
    oldest = deliveries.filter(STOPPED, state="waiting").order_by("id").values("pk")[: COUNTED + 1]
    stopped = Case(When(READS_AS_HELD, then=Value(True)), default=Value(False), output_field=BooleanField())
    rows = Delivery.unscoped.filter(pk__in=oldest).annotate(stopped=stopped).values("stopped")
    return list(rows.annotate(rows=Count("pk"), oldest=Min("accepted_at")))


def by_reason(deliveries: QuerySet[Delivery], state: str) -> list[tuple[str, int]]:
    newest = deliveries.filter(STOPPED, state=state).order_by("-id").values("pk")[: COUNTED + 1]
    rows = Delivery.unscoped.filter(pk__in=newest).values("reason").annotate(rows=Count("pk"))
    return list(rows.order_by("-rows").values_list("reason", "rows"))


def troubles_of(connections: QuerySet[Connection], *, now: datetime) -> Iterator[Trouble]:
    shown = connections.annotate(shown_state=shown_state_column())
    grouped = shown.values("connector_key", "shown_state", "reason").annotate(
        rows=Count("pk"),
        tenants=Count("tenant", distinct=True),
        earliest=Min("state_changed_at"),
        ending=Count("pk", filter=endangered(now=now)),
    )
    columns = ("connector_key", "shown_state", "reason", "rows", "tenants", "earliest", "ending")
    for row in grouped.order_by("connector_key", "shown_state").values_list(*columns):
        yield Trouble(*row)
