"""Staff pages of connections, with the action that sends a test event to an endpoint."""

from datetime import datetime
from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse

from hub import staff
from hub.audit import ActorContext
from hub.connections.admin.connections import ConnectionAdminBase
from hub.connections.models import Connection
from hub.outgoing.subscriptions.endpoint_routes import send_test_event


def can_receive_test_event(connection: Connection) -> bool:
    return connection.is_tenant_endpoint and not connection.is_disconnected


@admin.register(Connection)
class ConnectionAdmin(ConnectionAdminBase):
    empty_text = (
        "A connection is a tenant's account at another system. Customers connect in their "
        "portal; you can connect a system for them."
    )
    empty_step = staff.EmptyStep(
        "Connect a system", "admin:connections_connection_add", "connections.add_connection"
    )
    row_actions: ClassVar[tuple[str, ...]] = (*ConnectionAdminBase.row_actions, "send_test_event")

    @staff.row_action("Send a test event", icon="send", is_available=can_receive_test_event)
    def send_test_event(
        self, request: HttpRequest, connection: Connection, data: dict[str, Any], *, now: datetime
    ) -> staff.ActionResult:
        delivery = send_test_event(connection, ActorContext.of_request(request), now=now)
        page = None
        if request.user.has_perm("outgoing.view_delivery"):
            page = HttpResponseRedirect(
                reverse("admin:outgoing_delivery_change", args=[delivery.pk])
            )
        return staff.ActionResult("A test event is sent.", page=page)
