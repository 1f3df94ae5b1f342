"""How full the quotas are that the calls of a connection spend."""

from datetime import datetime

from django.db.models import OuterRef, Q, QuerySet, Subquery, Sum

from connectors import wire
from hub.connections.models import Connection
from hub.connections.unseal import key_of
from hub.throttle.gauge import Gauge, gauge
from hub.throttle.models import InFlightLease, QuotaState
from hub.throttle.reserve import standing_of
from hub.throttle.stated import quota_of

SCOPES_MOST = 20


def gauge_of(scope: QuotaState, *, now: datetime) -> Gauge:
    return gauge(quota_of(scope), standing_of(scope), now=now, in_flight=getattr(scope, "in_flight", None) or 0)


def with_calls_in_flight(scopes: QuerySet[QuotaState], *, now: datetime) -> QuerySet[QuotaState]:
    held = InFlightLease.objects.filter(key=OuterRef("key"), until__gt=now).order_by().values("key")
    return scopes.annotate(in_flight=Subquery(held.annotate(calls=Sum("count")).values("calls")))


def gauges(connection: Connection, *, now: datetime) -> list[tuple[QuotaState, Gauge]]:
    """Of every quota that calls of this connection have spent."""
    wanted = Q(pk__in=())
    for kind in sorted({stated.partition(":")[0] for stated in connection.connector.quotas}):
        wanted |= Q(key__startswith=key_of(connection, wire.Scope(kind)))
    wanted |= Q(key__in=[key_of(connection, scope) for scope in connection.connector.own_limits(connection.settings)])
    rows = with_calls_in_flight(QuotaState.objects.filter(wanted), now=now).order_by("key")
    return [(row, gauge_of(row, now=now)) for row in rows[:SCOPES_MOST]]
