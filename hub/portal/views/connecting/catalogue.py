"""The catalogue: ready-made integrations, systems to connect, and requests for others."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from hub.audit import ActorContext
from hub.connections.connecting.connector_requests import (
    SYSTEM_NAME_LENGTH_MAX,
    request_connector,
)
from hub.db.clock import clock
from hub.portal.catalogue import list_categories, list_offered_connectors, search_catalogue
from hub.portal.integrations.offers import list_recipe_offers
from hub.portal.views.connecting.pending_attempts import list_pending_attempts
from hub.problems import show_refusal
from tenants.access.tenant_users import TenantUser, list_people_to_ask, tenant_view
from tenants.models import Membership

MAX_QUERY_LENGTH = 100


@require_safe
@tenant_view()
def show_catalogue(request: HttpRequest, tenant_user: TenantUser) -> HttpResponse:
    query, category = request.GET.get("q", "")[:MAX_QUERY_LENGTH], request.GET.get("category", "")
    result = search_catalogue(query, category, tenant_user.tenant)
    pending_by_connector = {
        attempt.authorization.connector_key: attempt
        for attempt in list_pending_attempts(request, tenant_user, now=clock())
    }
    context = {
        "tenant_user": tenant_user,
        "query": query,
        "category": category,
        "categories": list_categories(list_offered_connectors()),
        "entries": [
            (entry, pending_by_connector.get(entry.connector.key)) for entry in result.entries
        ],
        "demand": result.demand,
        "offers": [] if category else list_recipe_offers(tenant_user.tenant, query),
        "managers": list_people_to_ask(tenant_user, Membership.Role.ADMIN),
    }
    return render(request, "portal/catalogue.html", context)


@require_POST
@tenant_view()
def request_system_view(request: HttpRequest, tenant_user: TenantUser) -> HttpResponse:
    name = request.POST.get("name", "").strip()[:SYSTEM_NAME_LENGTH_MAX]
    catalogue_url = reverse("portal:catalogue", args=[tenant_user.tenant.reference])
    if not name:
        return HttpResponseRedirect(catalogue_url)
    with show_refusal(request):
        count = request_connector(
            tenant_user.tenant, name, ActorContext.of_visitor(request, tenant_user), now=clock()
        )
        count_text = ngettext(
            "You are the first to request it.", "%(count)s customers have requested it.", count
        )
        confirmation = _("Your request for “%(name)s” has been recorded.") % {"name": name}
        messages.success(request, f"{confirmation} {count_text % {'count': count}}")
        return HttpResponseRedirect(f"{catalogue_url}?{urlencode({'q': name})}")
    return HttpResponseRedirect(catalogue_url)
