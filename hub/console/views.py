"""Pages that belong to no model: the way in, the dashboard, and where the `type` of a problem leads to."""

from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from hub import staff
from hub.clock import clock
from hub.connections.models import Connection
from hub.console import health as standing
from hub.console.overview import COUNTED, Overview, overview
from hub.console.plot import bars
from hub.console.sentence import Step, sentence, steps
from hub.operations.models import Operation
from hub.outgoing.models import Delivery, Event
from hub.problems import CATALOGUE
from tenants.guests import guest_of
from tenants.scoping import EVERYWHERE, reach, visible_to
from tenants.visitors import home_of, visitor_of


@require_safe
def front(request: HttpRequest) -> HttpResponse:
    """Where a person begins: staff at their pages, a customer at the one tenant, or at the list to choose from."""
    if not request.user.is_authenticated:
        return redirect_to_login("/")
    if request.user.is_staff:
        return HttpResponseRedirect(reverse("admin:index"))
    mine = [membership.tenant for membership in request.user.memberships.select_related("tenant")[:2]]
    return HttpResponseRedirect(home_of(mine[0]) if len(mine) == 1 else reverse("people:tenants"))


OPENED: dict[str, tuple[type[Model], str]] = {
    "events": (Event, "event"),
    "deliveries": (Delivery, "delivery"),
    "connections": (Connection, "connection"),
    "operations": (Operation, "operation"),
}


@require_safe
def open_page(request: HttpRequest, kind: str, id: UUID) -> HttpResponse:
    """Lead a person to the page of a row: staff in the admin, a customer or guest on the tenant's own pages."""
    if not request.user.is_authenticated and guest_of(request) is None:
        return redirect_to_login(request.get_full_path())
    if kind not in OPENED:
        raise Http404(kind)
    model, page = OPENED[kind]
    row = model._default_manager.filter(public_id=id).first()
    if row is None:
        raise Http404(id)
    if request.user.is_staff and visible_to(model, request.user).filter(pk=row.pk).exists():
        admin_page = f"admin:{model._meta.app_label}_{model._meta.model_name}_change"
        return HttpResponseRedirect(reverse(admin_page, args=[row.pk]))
    if row.tenant is None:
        raise Http404(id)
    visitor_of(request, row.tenant.reference)  # Http404 for whoever does not belong there
    own_page = "endpoint" if getattr(row, "connector_key", "") == "webhook" else page
    return HttpResponseRedirect(reverse(f"portal:{own_page}", args=[row.tenant.reference, id]))


@require_safe
def problem_page(request: HttpRequest, code: str) -> HttpResponse:
    if code not in CATALOGUE:
        raise Http404(code)
    return render(request, "problems/problem.html", {"code": code, "kind": CATALOGUE[code]})


@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """How the hub stands, for whoever may see everybody's numbers."""
    if reach(request.user) is not EVERYWHERE:
        raise PermissionDenied
    seen = standing.standing(now=clock())
    context = admin.site.each_context(request) | {
        "title": "Health",
        "seen": seen,
        "said": standing.said(seen),
        "bars": standing.bars(seen),
        "pumps": standing.pumps(seen),
        "latency": f"{seen.latency * 1000:.2f} ms",
        "unserved": staff.span(seen.unserved) if seen.unserved >= timedelta(seconds=1) else "–",
        "most": standing.COUNTED,
    }
    return render(request, "console/health.html", context)


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What the admin's first page shows."""
    seen = overview(request.user, now=clock())
    said = sentence(seen)
    return context | {
        "title": "Overview",
        "seen": seen,
        "said": said,
        "said_url": address(said.step),
        "tiles": tiles(seen),
        "bars": bars(seen.hours),
        "systems": systems(seen),
        "steps": [(done, why, step.label, address(step)) for done, why, step in steps(seen)],
    }


def address(step: Step) -> str:
    url = reverse(f"admin:{step.page}", args=step.args)
    return f"{url}?{step.query}" if step.query else url


def tiles(seen: Overview) -> list[dict[str, Any]]:
    deliveries, connections = "outgoing_delivery_changelist", "connections_connection_changelist"
    waiting = Step("", deliveries, "state=waiting")
    oldest = staff.span(seen.now - seen.oldest) if seen.oldest else "–"
    told = (
        ("Delivered", seen.delivered, "in the last 24 hours", Step("", deliveries, "state=delivered"), False),
        ("Waiting", seen.waiting - seen.held_back, "for their turn", waiting, False),
        ("Held", seen.held_rows, "by a cause that can be mended", Step("", deliveries, "state=held"), False),
        ("Failed", seen.failed_rows, "given up", Step("", deliveries, "state=failed"), True),
        (
            "Needs reconnect",
            seen.connections("needs_reconnect"),
            "connections",
            Step("", connections, "state__exact=needs_reconnect"),
            True,
        ),
        ("Ending soon", seen.ending, "connections within 7 days", Step("", "connections_connection_forecast"), True),
    )
    counted = [
        {
            "label": label,
            "value": staff.number(value, COUNTED if label != "Delivered" else None),
            "detail": detail,
            "url": address(step),
            "alarm": alarming and value > 0,
        }
        for label, value, detail, step, alarming in told
    ]
    return [*counted, {"label": "Oldest waiting", "value": oldest, "detail": "that could go", "url": address(waiting)}]


def systems(seen: Overview) -> list[dict[str, Any]]:
    """One row for each system that is connected, with its connections by state."""
    rows: dict[str, Counter[str]] = {}
    for trouble in seen.troubles:
        rows.setdefault(trouble.label, Counter())[trouble.state] += trouble.connections
    return [
        {
            "label": label,
            "total": states.total(),
            "states": [(state, f"{count} {state.replace('_', ' ')}") for state, count in sorted(states.items())],
        }
        for label, states in rows.items()
    ]
