"""A customer's own webhook endpoints: the list, a new one, and the page of each."""

import secrets
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe

from connectors.registry import CONNECTORS
from hub import egress
from hub.clock import clock
from hub.connections import checks, connect, own_headers, probe, steer
from hub.connections.models import Connection
from hub.connections.signing import OVERLAP, Signing, signing_of
from hub.outgoing.examples import known_types
from hub.outgoing.explain import readable_deliveries
from hub.outgoing.figures import Figures, figures_of
from hub.outgoing.models import Route
from hub.outgoing.subscribe import ReachedAlready, subscribe, ways_of
from hub.portal.endpoints.forms import AddForm, PaceForm, SinceForm
from hub.portal.handed import hand_of
from hub.portal.log.lines import line_of
from hub.portal.status import statuses
from hub.portal.views.wizard import suspended_page
from hub.secrets import CannotOpen
from tenants.models import Membership
from tenants.visitors import Visitor, for_visitors

KEY = "webhook"
LISTED, RECENT = 200, 5
ADMIN = Membership.Role.ADMIN


def endpoints_of(visitor: Visitor) -> Any:
    return Connection.objects.of(visitor.tenant).filter(connector_key=KEY)


def found(visitor: Visitor, id: UUID) -> Connection:
    whole = endpoints_of(visitor).select_related("tenant", "lane", "credential")
    endpoint = whole.filter(public_id=id).first()
    if endpoint is None:
        raise Http404(id)
    return endpoint


def address(page: str, visitor: Visitor, endpoint: Connection) -> str:
    return reverse(page, args=[visitor.tenant.reference, endpoint.public_id])


@require_safe
@for_visitors()
def endpoints(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    rows = list(endpoints_of(visitor).select_related("lane", "tenant").order_by("name")[:LISTED])
    figures = figures_of(visitor.tenant, [row.pk for row in rows], now=clock()) if rows else {}
    listed = [(row, seen, figures.get(row.pk, Figures())) for row, seen in statuses(rows)]
    return render(request, "portal/endpoints/list.html", {"visitor": visitor, "endpoints": listed})


# --- a new one -------------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@for_visitors(least=ADMIN)
def add(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    if visitor.tenant.suspended:
        return suspended_page(request, visitor, CONNECTORS[KEY])
    every = (
        Route.objects.of(visitor.tenant).filter(connection=None, connector_key=KEY, enabled=True).order_by("event_type")
    )
    form = AddForm(request.POST or None, known=known_types(visitor.tenant), shared=every)
    context: dict[str, Any] = {"visitor": visitor, "form": form, "shared": every}
    if request.method == "POST" and form.is_valid():
        return added(request, visitor, form, context)
    return render(request, "portal/endpoints/add.html", context)


@sensitive_variables()
def added(request: HttpRequest, visitor: Visitor, form: AddForm, context: dict[str, Any]) -> HttpResponse:
    """Tested first; kept with its routes, or not at all."""
    said, now = form.cleaned_data, clock()
    endpoint = connect.draft(visitor.tenant, KEY, said["name"], {"url": said["url"]})
    document, made = connect.completed(endpoint.connector, {}, random=secrets.token_bytes)
    finding = probe.probe(endpoint, document, call=egress.outward, now=now)
    if not finding.lives and not said["anyway"]:
        context |= {"finding": finding, "checks": checks.steps(finding), "told": checks.told(finding)}
        return render(request, "portal/endpoints/add.html", context, status=422)
    try:
        with transaction.atomic():
            how = {"by": visitor.user, "random": secrets.SystemRandom().random, "now": now}
            steer.establish(endpoint, document, finding, hand_of(request, visitor), **how)
            subscribe(endpoint, form.patterns, by=visitor.user, now=now)
    except ReachedAlready as clash:
        form.add_error("types", str(clash))
        return render(request, "portal/endpoints/add.html", context, status=409)
    messages.success(request, _("%(name)s is added.") % {"name": endpoint.name})
    return page_of(request, visitor, found(visitor, endpoint.public_id), secret=made)


# --- the page of one -------------------------------------------------------------------------------------------------


@require_safe
@for_visitors()
def endpoint(request: HttpRequest, visitor: Visitor, id: UUID) -> HttpResponse:
    return page_of(request, visitor, found(visitor, id))


def page_of(
    request: HttpRequest, visitor: Visitor, endpoint: Connection, *, secret: str = "", pace: PaceForm | None = None
) -> HttpResponse:
    """With a secret only where a person has just asked for it."""
    now = clock()
    ways = ways_of(endpoint)
    figures = figures_of(visitor.tenant, [endpoint.pk], now=now)[endpoint.pk]
    recent = readable_deliveries().filter(connection=endpoint).order_by("-pk")[:RECENT]
    context = {
        "visitor": visitor,
        "endpoint": endpoint,
        "seen": statuses([endpoint])[0][1],
        "ways": ways,
        "figures": figures,
        "hours": figures.by_hour(now=now),
        "parts": (("good", _("arrived")), ("bad", _("failed"))),
        "lines": [line_of(row) for row in recent],
        "since": SinceForm(),
        "overlap": OVERLAP,
        "signing": signing_or_none(endpoint, now=now),
        "headers": own_headers.names(endpoint),
        "pace": pace or PaceForm(endpoint=endpoint),
        "secret": secret,
    }
    return render(request, "portal/endpoints/endpoint.html", context)


def signing_or_none(endpoint: Connection, *, now: Any) -> Signing | None:
    try:
        return signing_of(endpoint, now=now)
    except CannotOpen:
        return None
