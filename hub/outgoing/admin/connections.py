"""Staff pages of connections, with the action that sends a test event to an endpoint."""

from django.contrib import admin

from hub import staff
from hub.connections.actions.declared_actions import CONNECTION_ACTIONS
from hub.connections.actions.disconnection import DISCONNECT_ACTIONS
from hub.connections.actions.queued_tests import TEST_ACTIONS
from hub.connections.actions.reconnect_links import RECONNECT_ACTIONS
from hub.connections.actions.signing_secret_actions import SECRET_ACTIONS
from hub.connections.admin.connections import ConnectionAdminBase
from hub.connections.models import Connection
from hub.outgoing.subscriptions.endpoint_routes import ENDPOINT_ACTIONS


@admin.register(Connection)
class ConnectionAdmin(ConnectionAdminBase):
    empty_text = (
        "A connection is a tenant's account at another system. Customers connect in their "
        "portal; you can connect a system for them."
    )
    empty_step = staff.EmptyStep(
        "Connect a system", "admin:connections_connection_add", "connections.add_connection"
    )
    declared_actions = {
        **TEST_ACTIONS,
        **CONNECTION_ACTIONS,
        **RECONNECT_ACTIONS,
        **SECRET_ACTIONS,
        **DISCONNECT_ACTIONS,
        **ENDPOINT_ACTIONS,
    }
