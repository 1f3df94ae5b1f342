"""What the lists of events and deliveries are narrowed by: each filter and search stands on an index."""

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import BooleanField, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.http import HttpRequest

from connectors.registry import CONNECTORS
from hub.clock import clock
from hub.outgoing.explain import for_reason, in_state
from hub.outgoing.models import Delivery, Event
from hub.staff import Filter, TextFilter
from hub.words import REASONS
from tenants.models import Tenant
from tenants.scoping import visible_to

SOURCES = ("api", "app", "staff", *CONNECTORS)
SPANS = {
    "15m": ("the last 15 minutes", timedelta(minutes=15)),
    "1h": ("the last hour", timedelta(hours=1)),
    "24h": ("the last 24 hours", timedelta(days=1)),
    "7d": ("the last 7 days", timedelta(days=7)),
    "30d": ("the last 30 days", timedelta(days=30)),
}

SKIPPED_FOR = ("filtered", "skipped_by_person")
STATES_STOPPED = {"held", "dead", "waiting"}
# Word for word the condition of the index `deliveries_stopped`: SQLite takes it only where it reads the same
STOPPED = RawSQL("\"outgoing_delivery\".\"state\" IN ('held', 'dead', 'waiting')", (), output_field=BooleanField())


def floor_of(moment: datetime) -> uuid.UUID:
    """The smallest UUIDv7 of a moment: public ids are in order of time, and indexed, so they tell *since*."""
    return uuid.UUID(int=int(moment.timestamp() * 1000) << 80)


class StateFilter(Filter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return Delivery.State.choices

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() not in Delivery.State.values:
            return queryset
        indexed = [STOPPED] if self.value() in STATES_STOPPED else []
        return queryset.filter(in_state(self.value()), *indexed)


class ReasonFilter(Filter):
    title = "reason"
    parameter_name = "reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(code, code.replace("_", " ")) for code in REASONS if code != "no_route"]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() not in REASONS:
            return queryset
        narrowed = Q(state="skipped") if self.value() in SKIPPED_FOR else STOPPED
        return queryset.filter(narrowed, for_reason(self.value()))


class ConnectorFilter(Filter):
    title = "connector"
    parameter_name = "connector"
    path = "route__connector"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(connector.key, connector.label) for connector in CONNECTORS.values()]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(**{self.path: self.value()}) if self.value() in CONNECTORS else queryset


class OwnConnectorFilter(ConnectorFilter):
    path = "connector"


class SinceFilter(Filter):
    title = "since"
    parameter_name = "since"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(key, words) for key, (words, _) in SPANS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() not in SPANS:
            return queryset
        return queryset.filter(public_id__gte=floor_of(clock() - SPANS[self.value()][1]))


class TenantFilter(TextFilter):
    """By reference; another tenant's finds nothing."""

    title = "tenant (its reference)"
    parameter_name = "tenant"

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if not self.value():
            return queryset
        tenants = visible_to(Tenant, request.user).filter(reference=self.value().replace("\0", ""))
        return queryset.filter(tenant__in=list(tenants.values_list("pk", flat=True)))


class EventTypeFilter(TextFilter):
    title = "event type"
    parameter_name = "type"
    path = "type"

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(**{self.path: self.value().replace("\0", "")}) if self.value() else queryset


# --- search: an id leads to its row, by its look ---------------------------------------------------------------------


def uuid_in(term: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(term)
    except ValueError:
        return None


def events_by(term: str, user: Any) -> Q:
    """By the hub's id or the sender's; exact, so that an index answers."""
    if public_id := uuid_in(term):
        known = Event.unscoped.filter(Q(public_id=public_id)).values_list("pk", flat=True)
        if pks := list(known):
            return Q(pk__in=pks)
    tenants = list(visible_to(Tenant, user).values_list("pk", flat=True))
    named = Event.unscoped.filter(tenant__in=tenants, source__in=SOURCES, sender_id=term.replace("\0", ""))
    return Q(pk__in=list(named.values_list("pk", flat=True)[:100]))


def deliveries_by(term: str, user: Any) -> Q:
    """By its own id, the msg_ id that the other system saw (its replays too), or an id of its event."""
    if term.startswith("msg_"):
        outward = uuid_in(term.removeprefix("msg_"))
        first = Delivery.unscoped.filter(public_id=outward).first() if outward else None
        return Q(event=first.event_id, outward_id=outward) if first else Q(pk__in=())
    if (public_id := uuid_in(term)) and (pks := list(Delivery.unscoped.filter(public_id=public_id).values_list("pk"))):
        return Q(pk__in=[pk for (pk,) in pks])
    events = Event.unscoped.filter(events_by(term, user)).values_list("pk", flat=True)
    return Q(event__in=list(events))
