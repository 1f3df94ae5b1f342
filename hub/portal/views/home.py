"""The first page of a tenant: its connections, and the next step where there is none."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from hub.clock import clock
from hub.connections.authorize.waiting import waiting
from hub.connections.models import Authorization, Connection
from hub.portal.status import status
from tenants.visitors import Visitor, for_visitors

SHOWN, WAITING_SHOWN = 200, 20


@require_safe
@for_visitors()
def home(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    rows = Connection.objects.of(visitor.tenant).select_related("lane", "tenant").order_by("name", "pk")[:SHOWN]
    cards = sorted(((row, status(row)) for row in rows), key=lambda card: card[1].tone != "bad")
    waits = [(row, page_of(row)) for row in waiting(visitor.tenant, now=clock())[:WAITING_SHOWN]]
    troubled = sum(seen.tone in ("bad", "warn") for _row, seen in cards)
    context = {"visitor": visitor, "cards": cards, "troubled": troubled, "waits": waits}
    return render(request, "portal/home.html", context)


def page_of(row: Authorization) -> str:
    """Where an attempt that waits for somebody goes on."""
    here = row.tenant.reference
    if row.connection:
        return reverse("portal:reconnect", args=[here, row.connection.public_id])
    return f"{reverse('portal:connect', args=[here, row.connector])}?waiting={row.public_id}"
