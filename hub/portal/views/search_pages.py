"""The page of the search results for a term."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from hub.portal.search.sources import search_tenant
from tenants.access.tenant_users import TenantUser, tenant_view

TERM_LENGTH = 200


@require_safe
@tenant_view()
def show_search(request: HttpRequest, tenant_user: TenantUser) -> HttpResponse:
    term = request.GET.get("q", "").strip()[:TERM_LENGTH]
    context = {
        "tenant_user": tenant_user,
        "search_term": term,
        "groups": search_tenant(tenant_user, term),
    }
    return render(request, "portal/search.html", context)
