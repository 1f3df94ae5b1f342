"""The page of log shipping: received and shipped lines, the backlog, and the cause of a stop."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from connectors.registry import CONNECTORS
from hub.connections.models import Connection
from hub.db.clock import clock
from hub.portal.views.etag import respond_if_modified
from hub.scheduled.insight.log_shipping import view_log_shipping
from tenants.access.tenant_users import TenantUser, tenant_view

LOG_SYSTEMS = [key for key, connector in CONNECTORS.items() if connector.log_sink]


@require_safe
@tenant_view()
def show_log_shipping(request: HttpRequest, tenant_user: TenantUser) -> HttpResponse:
    connections = Connection.objects.of(tenant_user.tenant).filter(connector_key__in=LOG_SYSTEMS)
    view = view_log_shipping(tenant_user.tenant, now=clock())
    context = {
        "tenant_user": tenant_user,
        "view": view,
        "is_unused": not view.figures and not connections.exists(),
        "kept_days": settings.HUB_KEEP_LOG_DAYS,
    }
    return render(request, "portal/scheduled/log_shipping.html", context)


@require_safe
@tenant_view()
def show_log_figures(request: HttpRequest, tenant_user: TenantUser) -> HttpResponse:
    """Render the part of the page that changes."""
    context = {
        "tenant_user": tenant_user,
        "view": view_log_shipping(tenant_user.tenant, now=clock()),
    }
    response = render(request, "portal/scheduled/log_figures.html", context)
    return respond_if_modified(request, response)
