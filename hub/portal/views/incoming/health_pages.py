"""Webhook health: endpoints that we call and webhooks that we receive, and the page of a source."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from hub.db.clock import clock
from hub.incoming.insight.source_health import readable_sources
from hub.incoming.insight.source_history import build_source_context
from hub.incoming.insight.webhook_health import build_health_context
from hub.portal.display_preferences import resolve_display_zone
from tenants.access.tenant_users import TenantUser, tenant_view


@require_safe
@tenant_view()
def show_webhook_health(request: HttpRequest, tenant_user: TenantUser) -> HttpResponse:
    """Show the state of the tenant's webhooks; ?view= shows only one kind of problem."""
    context = build_health_context(
        request.GET,
        [tenant_user.tenant.pk],
        for_staff=False,
        zone=resolve_display_zone(request),
        now=clock(),
    )
    return render(request, "portal/webhooks/health.html", context | {"tenant_user": tenant_user})


@require_safe
@tenant_view()
def show_source(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    """Show a source of the tenant, also one that no route wants any more."""
    source = readable_sources([tenant_user.tenant.pk]).filter(public_id=id).first()
    if source is None:
        raise Http404(id)
    context = build_source_context(source, for_staff=False, now=clock())
    return render(request, "portal/webhooks/source.html", context | {"tenant_user": tenant_user})
