"""Filters and searches of the lists of events and deliveries; each uses an index."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from connectors.registry import CONNECTORS
from hub.db.clock import clock
from hub.outgoing.insight.explain import match_effective_reason, match_effective_state
from hub.outgoing.insight.search import (
    INDEXED_STOPPED_STATES,
    STOPPED_CONDITION,
    match_states_of_reason,
    smallest_id_at,
)
from hub.outgoing.models import Delivery
from hub.reason_codes import REASONS
from hub.staff import Filter, TextFilter
from tenants.models import Tenant
from tenants.scoping import visible_rows

TIME_SPANS = {
    "15m": ("the last 15 minutes", timedelta(minutes=15)),
    "1h": ("the last hour", timedelta(hours=1)),
    "24h": ("the last 24 hours", timedelta(days=1)),
    "7d": ("the last 7 days", timedelta(days=7)),
    "30d": ("the last 30 days", timedelta(days=30)),
}


class StateFilter(Filter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(value, str(label)) for value, label in Delivery.State.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() not in Delivery.State.values:
            return queryset
        indexed = [STOPPED_CONDITION] if self.value() in INDEXED_STOPPED_STATES else []
        return queryset.filter(match_effective_state(self.value()), *indexed)


class ReasonFilter(Filter):
    title = "reason"
    parameter_name = "reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(code, code.replace("_", " ")) for code in REASONS if code != "no_route"]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() not in REASONS:
            return queryset
        return queryset.filter(
            match_states_of_reason(self.value()), match_effective_reason(self.value())
        )


class ConnectorFilter(Filter):
    title = "connector"
    parameter_name = "connector"
    path = "route__connector_key"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(connector.key, connector.label) for connector in CONNECTORS.values()]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return (
            queryset.filter(**{self.path: self.value()}) if self.value() in CONNECTORS else queryset
        )


class OwnConnectorFilter(ConnectorFilter):
    path = "connector_key"


class OriginFilter(ConnectorFilter):
    """Filter routes by the system whose events they take."""

    title = "received from"
    parameter_name = "received_from"
    path = "origin_connector_key"


class SinceFilter(Filter):
    title = "since"
    parameter_name = "since"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(key, words) for key, (words, _) in TIME_SPANS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() not in TIME_SPANS:
            return queryset
        return queryset.filter(public_id__gte=smallest_id_at(clock() - TIME_SPANS[self.value()][1]))


class TenantFilter(TextFilter):
    """Filter by the tenant's reference; a tenant that the user may not see yields an empty list."""

    title = "tenant (its reference)"
    parameter_name = "tenant"
    path = "tenant"

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if not self.value():
            return queryset
        tenants = visible_rows(Tenant, request.user).filter(
            reference=self.value().replace("\0", "")
        )
        return queryset.filter(**{f"{self.path}__in": list(tenants.values_list("pk", flat=True))})


class EventTypeFilter(TextFilter):
    title = "event type"
    parameter_name = "type"
    path = "type"

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return (
            queryset.filter(**{self.path: self.value().replace("\0", "")})
            if self.value()
            else queryset
        )
