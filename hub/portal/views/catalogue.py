"""The catalogue: what can be connected, what it asks for, and what is asked for that is not there."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from hub.clock import clock
from hub.connections.wish import NAME_MOST, TooMany, wish
from hub.portal.catalogue import categories, offered, search
from hub.portal.handed import hand_of
from hub.portal.views.unfinished import all_stopped
from hub.portal.views.wizard import managers
from tenants.visitors import Visitor, for_visitors

QUERY_MOST = 100


@require_safe
@for_visitors()
def catalogue(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    query, category = request.GET.get("q", "")[:QUERY_MOST], request.GET.get("category", "")
    found = search(query, category, visitor.tenant)
    stopped = {one.row.connector_key: one for one in all_stopped(request, visitor, now=clock())}
    context = {
        "visitor": visitor,
        "query": query,
        "category": category,
        "categories": categories(offered()),
        "entries": [(entry, stopped.get(entry.connector.key)) for entry in found.entries],
        "asked": found.asked,
        "managers": managers(visitor),
    }
    return render(request, "portal/catalogue.html", context)


@require_POST
@for_visitors()
def request_one(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    name = request.POST.get("name", "").strip()[:NAME_MOST]
    back = reverse("portal:catalogue", args=[visitor.tenant.reference])
    if not name:
        return HttpResponseRedirect(back)
    try:
        count = wish(visitor.tenant, name, hand_of(request, visitor), now=clock())
    except TooMany:
        messages.warning(request, _("You have asked for many systems already; please talk to us."))
        return HttpResponseRedirect(back)
    asked = ngettext("You are the first who asked.", "%(count)s customers have asked by now.", count)
    told = _("We have noted that you would like “%(name)s”.") % {"name": name}
    messages.success(request, f"{told} {asked % {'count': count}}")
    return HttpResponseRedirect(f"{back}?{urlencode({'q': name})}")
