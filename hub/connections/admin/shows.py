"""What the page of a connection tells: quotas and what was sent last."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import Q

from connectors import wire
from hub.connections.admin.quotas import gauge_of, with_calls_in_flight
from hub.connections.models import Connection
from hub.connections.unseal import key_of
from hub.throttle.gauge import Gauge
from hub.throttle.models import Scope

SCOPES_MOST = 20
DELIVERIES_SHOWN = 10
DELIVERIES_SEARCHED = 1000  # the newest of the tenant, in which those of the connection are found


def gauges(connection: Connection, *, now: datetime) -> list[tuple[Scope, Gauge]]:
    """Of every quota that calls of this connection have spent."""
    wanted = Q(pk__in=())
    for kind in sorted({stated.partition(":")[0] for stated in connection.code.quotas}):
        wanted |= Q(key__startswith=key_of(connection, wire.Scope(kind)))
    rows = with_calls_in_flight(Scope.objects.filter(wanted), now=now).order_by("key")
    return [(row, gauge_of(row, now=now)) for row in rows[:SCOPES_MOST]]


def last_deliveries(connection: Connection) -> list[Any]:
    """Found among the tenant's newest, by that index: the table may hold millions."""
    if connection.tenant is None:
        return []
    newest = connection.tenant.deliveries.order_by("-id").values("pk")[:DELIVERIES_SEARCHED]
    rows = connection.deliveries.filter(pk__in=newest).select_related("event").order_by("-id")
    return list(rows[:DELIVERIES_SHOWN])


def shown_settings(connection: Connection) -> Mapping[str, Any]:
    return {
        field.label: connection.settings.get(field.key)
        for field in connection.code.fields
        if not field.secret and connection.settings.get(field.key) not in (None, "")
    }
