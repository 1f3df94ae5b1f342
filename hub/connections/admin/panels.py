"""Queries for the staff page of a connection: its last deliveries."""

from typing import Any

from hub.connections.models import Connection

DELIVERIES_SHOWN = 10
DELIVERIES_SEARCHED = 1000  # newest deliveries of the tenant that are searched


def find_last_deliveries(connection: Connection) -> list[Any]:
    """Find the connection's last deliveries among the newest of its tenant.

    The index of the tenant is used, as the table may be huge.
    """
    if connection.tenant is None:
        return []
    newest = connection.tenant.deliveries.order_by("-id").values("pk")[:DELIVERIES_SEARCHED]
    deliveries = (
        connection.deliveries.filter(pk__in=newest)
        .select_related("event", "tenant", "route", "connection__lane")
        .order_by("-id")
    )
    return list(deliveries[:DELIVERIES_SHOWN])
