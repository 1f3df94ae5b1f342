"""Notify the owners of connections whose connecting person is no longer a member."""

from datetime import datetime

from connectors.registry import find_connector_label
from hub.connections.models import DISCONNECTED, Connection
from hub.notices.notify import create_notice
from tenants.models import Tenant, User

CONNECTIONS_MAX = 50  # of one person


def notify_former_connections(tenant: Tenant, user: User, *, now: datetime) -> None:
    """Create a notice for each connection of a person, in the transaction that ends membership."""
    connections = (
        Connection.objects.of(tenant)
        .filter(connected_by=user)
        .exclude(state="disabled", reason=DISCONNECTED)
    )
    for connection in connections.order_by("pk")[:CONNECTIONS_MAX]:
        create_notice(
            "connected_by_former_member",
            "connected_by_former_member",
            {
                "connection": str(connection),
                "person": str(user),
                "system": find_connector_label(connection.connector_key),
            },
            occurrence=f"{connection.pk}:{user.pk}:{now.isoformat()}",
            now=now,
            tenant_id=tenant.pk,
            connection_id=connection.pk,
        )
