"""The usage of the quotas that the calls of a connection spend."""

from datetime import datetime

from django.db.models import OuterRef, Q, QuerySet, Subquery, Sum

from connectors.http import Scope
from hub.connections.models import Connection
from hub.connections.quotas.quota_names import name_connection_quota
from hub.connections.quotas.scopes import build_scope_key, parse_scope
from hub.throttle.definitions import quota_definition
from hub.throttle.models import InFlightLease, QuotaState
from hub.throttle.quota_rows import build_snapshot
from hub.throttle.usage import QuotaUsage, measure_usage

SCOPES_MAX = 20


def measure_quota_usage(scope: QuotaState, *, now: datetime) -> QuotaUsage:
    return measure_usage(
        quota_definition(scope),
        build_snapshot(scope),
        now=now,
        in_flight=getattr(scope, "in_flight", None) or 0,
    )


def annotate_calls_in_flight(
    scopes: QuerySet[QuotaState], *, now: datetime
) -> QuerySet[QuotaState]:
    leases = (
        InFlightLease.objects.filter(key=OuterRef("key"), until__gt=now).order_by().values("key")
    )
    return scopes.annotate(in_flight=Subquery(leases.annotate(calls=Sum("count")).values("calls")))


def list_quota_usage(
    connection: Connection, *, now: datetime
) -> list[tuple[QuotaState, QuotaUsage]]:
    """List the quotas that calls of this connection have spent, with their usage."""
    condition = Q(pk__in=())
    for kind in {parse_scope(name).kind for name in connection.connector.quotas}:
        condition |= Q(key__startswith=build_scope_key(connection, Scope(kind)))
    condition |= Q(
        key__in=[
            build_scope_key(connection, scope)
            for scope in connection.connector.connection_limits(connection.settings)
        ]
    )
    rows = annotate_calls_in_flight(QuotaState.objects.filter(condition), now=now).order_by("key")
    return [
        (quota_state, measure_quota_usage(quota_state, now=now))
        for quota_state in rows[:SCOPES_MAX]
    ]


def list_named_quota_usage(
    connection: Connection, *, now: datetime
) -> list[tuple[str, QuotaState, QuotaUsage]]:
    """List the usage like `list_quota_usage`, with the names of the quotas."""
    return [
        (name_connection_quota(quota_state.key, connection), quota_state, usage)
        for quota_state, usage in list_quota_usage(connection, now=now)
    ]
