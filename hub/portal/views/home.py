"""The first page of a tenant: its connections, and the next step where there is none."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from hub.connections.models import Connection
from hub.portal.status import status
from tenants.visitors import Visitor, for_visitors

SHOWN = 200


@require_safe
@for_visitors()
def home(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    rows = Connection.objects.of(visitor.tenant).select_related("lane", "tenant").order_by("name", "pk")[:SHOWN]
    cards = sorted(((row, status(row)) for row in rows), key=lambda card: card[1].tone != "bad")
    troubled = sum(seen.tone in ("bad", "warn") for _row, seen in cards)
    return render(request, "portal/home.html", {"visitor": visitor, "cards": cards, "troubled": troubled})
