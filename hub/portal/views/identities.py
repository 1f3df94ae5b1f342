"""Which of their records is meant by ours, such as the channel that orders go to: said, changed and taken back."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.core.cache import cache
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from hub import egress
from hub.clock import clock
from hub.connections.choices import Offer, choices
from hub.connections.models import Connection
from hub.mappings.identify import forget, identify
from hub.mappings.models import Identity, after, beginning
from hub.outgoing.unidentified import unidentified
from hub.portal.forms import OursForm, TheirsForm
from hub.portal.handed import hand_of
from hub.portal.views.connection import ADMIN, ROUTES_SHOWN, own_connection, routes_to
from tenants.visitors import Visitor, for_visitors

SHOWN = 50
KEPT = 60  # seconds


def told_of(visitor: Visitor, connection: Connection) -> QuerySet[Identity]:
    return Identity.objects.of(visitor.tenant).filter(connection=connection)


@require_safe
@for_visitors()
def identities(request: HttpRequest, visitor: Visitor, id: UUID) -> HttpResponse:
    """All that was said, in the order of our records, and what is still to be said."""
    row = own_connection(visitor, id)
    term, place = request.GET.get("q", "").strip(), request.GET.get("after", "")
    rows = told_of(visitor, row).order_by("kind", "ours")
    rows = rows.filter(beginning(term))
    if place:
        rows = rows.filter(after(place))
    found = list(rows[: SHOWN + 1])
    kept = {"q": term} if term else {}
    missing = unidentified(list(routes_to(row)[:ROUTES_SHOWN]), row)
    context = {
        "visitor": visitor,
        "connection": row,
        "connector": row.connector,
        "identities": found[:SHOWN],
        "beginning": term,
        "older": f"?{urlencode(kept | {'after': found[SHOWN - 1].place})}" if len(found) > SHOWN else "",
        "newer": f"?{urlencode(kept)}" if place else "",
        "missing": missing,
        "form": OursForm(),
        "kinds": sorted({*row.connector.listed, *(entry.kind for entry in missing)}),
    }
    return render(request, "portal/identities/list.html", context)


def all_of(visitor: Visitor, connection: Connection) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("portal:identities", args=[visitor.tenant.reference, connection.public_id]))


@require_http_methods(["GET", "POST"])
@for_visitors(least=ADMIN)
def say(request: HttpRequest, visitor: Visitor, id: UUID) -> HttpResponse:
    """Of the record that the address names."""
    row, now = own_connection(visitor, id), clock()
    ours = OursForm(request.GET)
    if not ours.is_valid():
        messages.error(request, _("Say first which of yours is meant: its kind, and how events name it."))
        return all_of(visitor, row)
    there = told_of(visitor, row).filter(**ours.cleaned_data).first()
    form = TheirsForm(request.POST or None, lists=row.connector.listed.get(ours.cleaned_data["kind"]))
    if request.method == "POST" and form.is_valid():
        theirs, name, hand = form.cleaned_data["id"], form.cleaned_data["name"], hand_of(request, visitor)
        identify(row, theirs=theirs, name=name, hand=hand, now=now, **ours.cleaned_data)
        messages.success(request, _("Saved. What waited for it goes out now."))
        return all_of(visitor, row)
    offer = offered(row, ours.cleaned_data["kind"], now=now)
    form.show(offer, current=there.theirs if there else "")
    context: dict[str, Any] = {"visitor": visitor, "connection": row, "connector": row.connector}
    context |= {"ours": ours.cleaned_data, "form": form, "offer": offer, "there": there}
    return render(request, "portal/identities/say.html", context)


def offered(connection: Connection, kind: str, *, now: datetime) -> Offer:
    """Kept for a minute: whoever says one thing after another does not spend a quota on each."""
    name = f"choices of {kind} over {connection.public_id} of {connection.account}"
    if kept := cache.get(name):
        return Offer(tuple((id, name) for id, name in kept["rows"]), kept["more"])
    offer = choices(connection, kind, call=egress.outward, now=now)
    if offer.rows:
        cache.set(name, {"rows": offer.rows, "more": offer.more}, KEPT)
    return offer


@require_http_methods(["GET", "POST"])
@for_visitors(least=ADMIN)
def remove(request: HttpRequest, visitor: Visitor, id: UUID) -> HttpResponse:
    """With what follows from it said first."""
    row = own_connection(visitor, id)
    asked = {name: request.GET.get(name, "") for name in ("kind", "ours")}
    there = get_object_or_404(told_of(visitor, row).select_related("connection__tenant"), **asked)
    if request.method == "POST":
        forget(there, hand_of(request, visitor), now=clock())
        messages.success(request, _("Taken back. What needs it is held from now on."))
        return all_of(visitor, row)
    context = {"visitor": visitor, "connection": row, "connector": row.connector, "identity": there}
    return render(request, "portal/identities/remove.html", context)
