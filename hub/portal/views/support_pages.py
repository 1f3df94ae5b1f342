"""The support visits to a tenant's pages, shown to its members."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from hub.db.clock import clock
from hub.portal.log.filter_chips import build_query_string
from hub.portal.log.pages import assemble_page, filter_after_cursor, parse_cursor
from tenants.access.tenant_users import TenantUser, tenant_view
from tenants.models import SupportVisit

PAGE_SIZE = 50


@require_safe
@tenant_view()
def list_support_visits(request: HttpRequest, tenant_user: TenantUser) -> HttpResponse:
    """List the visits, newest first."""
    data, cursor, now = request.GET.dict(), parse_cursor(request.GET), clock()
    visits = SupportVisit.objects.of(tenant_user.tenant)
    ordered = filter_after_cursor(visits, cursor).order_by("pk" if cursor.before else "-pk")
    page = assemble_page(list(ordered[: PAGE_SIZE + 1]), cursor, PAGE_SIZE)
    context = {
        "tenant_user": tenant_user,
        "visits": [(visit, visit.is_active(now=now)) for visit in page.rows],
        "newer": build_query_string(data, before=page.newer) if page.newer else "",
        "older": build_query_string(data, after=page.older) if page.older else "",
    }
    return render(request, "portal/support_visits.html", context)
