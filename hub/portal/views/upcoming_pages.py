"""The page of the forecast: what will require the tenant's people soon."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from hub.db.clock import clock
from hub.forecast.upcoming import list_upcoming_needs
from tenants.access.tenant_users import TenantUser, tenant_view


@require_safe
@tenant_view()
def show_upcoming(request: HttpRequest, tenant_user: TenantUser) -> HttpResponse:
    """List what will require a person soon, in order of time."""
    needs = list_upcoming_needs(tenant_user.tenant, now=clock())
    return render(
        request, "portal/upcoming/page.html", {"tenant_user": tenant_user, "needs": needs}
    )
