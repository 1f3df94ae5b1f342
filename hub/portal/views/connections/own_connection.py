"""The connection that a page is about, and the routes that send over it."""

from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404

from hub.connections.models import Connection
from hub.drift.findings import count_open_findings
from hub.outgoing.models import Route
from hub.portal.navigation import reverse_object_page
from tenants.access.tenant_users import TenantUser
from tenants.models import Membership, Tenant

ADMIN = Membership.Role.ADMIN
ROUTES_SHOWN = 20


def get_own_connection(tenant_user: TenantUser, id: UUID) -> Connection:
    """Return the tenant's connection. Raises Http404 if the tenant has none with this id."""
    connections = Connection.objects.of(tenant_user.tenant).select_related(
        "lane", "tenant", "credential", "connected_by"
    )
    connections = connections.annotate(drift_count=count_open_findings())
    connection: Connection = get_object_or_404(connections, public_id=id)
    return connection


def redirect_to_connection(tenant_user: TenantUser, connection: Connection) -> HttpResponseRedirect:
    return HttpResponseRedirect(
        reverse_object_page("portal:connection", tenant_user.tenant, connection)
    )


def filter_routes_to(connection: Connection) -> QuerySet[Route]:
    """Return the enabled routes that send over the connection: its own and its system's."""
    is_matching = Q(connection=connection) | Q(
        connection=None, connector_key=connection.connector_key
    )
    if connection.tenant is None:
        return Route.unscoped.none()
    return filter_enabled_routes(connection.tenant).filter(is_matching)


def filter_enabled_routes(tenant: Tenant) -> QuerySet[Route]:
    routes: QuerySet[Route] = Route.objects.of(tenant)
    enabled = routes.filter(enabled=True).select_related("mapping")
    return enabled.order_by("name", "pk")
