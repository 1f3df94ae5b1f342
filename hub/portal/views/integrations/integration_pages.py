"""The integrations of a tenant: those switched on, those available, and the page of one."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from hub.db.clock import clock
from hub.portal.actions import list_possible_actions
from hub.portal.integrations.offers import list_recipe_offers
from hub.recipes.integration_actions import INTEGRATION_ACTIONS
from hub.recipes.models import Integration
from hub.recipes.part_actions import load_parts
from hub.recipes.running import (
    describe_integrations,
    list_accounts,
    list_answers,
    list_running_integrations,
)
from tenants.access.tenant_users import TenantUser, tenant_view

MAX_QUERY_LENGTH = 100


@require_safe
@tenant_view()
def list_integrations(request: HttpRequest, tenant_user: TenantUser) -> HttpResponse:
    """List integrations that are switched on, then recipes that can be, searched by `q`."""
    query = request.GET.get("q", "")[:MAX_QUERY_LENGTH]
    context = {
        "tenant_user": tenant_user,
        "query": query,
        "running": list_running_integrations(tenant_user.tenant, now=clock()),
        "offers": list_recipe_offers(tenant_user.tenant, query),
    }
    return render(request, "portal/integrations/list.html", context)


def get_integration(tenant_user: TenantUser, id: UUID) -> Integration:
    """Return an integration of the tenant. Raises Http404 if it has none with this id."""
    rows = Integration.objects.of(tenant_user.tenant).exclude(state="removed")
    integration: Integration = get_object_or_404(
        rows.select_related("tenant", "created_by"), public_id=id
    )
    return integration


@require_safe
@tenant_view()
def show_integration(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    integration = get_integration(tenant_user, id)
    (running,) = describe_integrations(tenant_user.tenant, [integration], now=clock())
    context = {
        "tenant_user": tenant_user,
        "integration": integration,
        "running": running,
        "live_template": "portal/integrations/week.html",
        "answers": list_answers(integration),
        "accounts": list_accounts(integration),
        "parts": load_parts(integration),
        "actions": list_possible_actions(INTEGRATION_ACTIONS, integration)
        if tenant_user.can_manage
        else (),
    }
    return render(request, "portal/integrations/integration.html", context)
