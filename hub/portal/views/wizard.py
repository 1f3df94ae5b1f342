"""Connecting in named steps: what it does, authorize or fill in, test, done; nothing is kept before the test passed."""

import secrets
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe

from connectors.base import Connector
from connectors.registry import CONNECTORS
from hub import egress
from hub.clock import clock
from hub.connections import checks, connect, probe, steer
from hub.connections.advice import told
from hub.connections.authorize.unfinished import unfinished
from hub.connections.authorize.who import Refused
from hub.connections.login_hosts import login_choices
from hub.connections.models import Connection, ConnectorApp
from hub.connections.views.pages import problem_page
from hub.connections.wish import asked_for
from hub.outgoing.conversions import conversions
from hub.outgoing.unidentified import named_by
from hub.portal.forms import FillInForm
from hub.portal.handed import hand_of
from hub.portal.views.connection import ROUTES_SHOWN, back_to, own_connection, routes_to
from hub.portal.views.unfinished import SHOWN, stopped
from tenants.models import Membership
from tenants.visitors import Visitor, for_visitors

ADMIN = Membership.Role.ADMIN
CONVERSIONS_SHOWN = 3


def offered_or_404(key: str) -> Connector:
    connector = CONNECTORS.get(key)
    if connector is None or connector.platform:
        raise Http404(key)
    return connector


@require_safe
@for_visitors()
def about(request: HttpRequest, visitor: Visitor, connector: str) -> HttpResponse:
    """All that it asks for, before anything is asked."""
    code = offered_or_404(connector)
    ready = code.key in ConnectorApp.ready()
    there = Connection.objects.of(visitor.tenant).filter(connector_key=code.key).order_by("name")
    context: dict[str, Any] = {
        "visitor": visitor,
        "connector": code,
        "ready": ready,
        "there": list(there),
        **going_on(request, visitor, code, meant=request.GET.get("waiting", "")),
        "asked": asked_for([] if ready else [code.key], visitor.tenant).get(code.key),
        "managers": managers(visitor),
    }
    context |= login_choices(code, **login_of_attempt(context))
    return render(request, "portal/wizard/about.html", context)


def going_on(
    request: HttpRequest, visitor: Visitor, code: Connector, connection: Connection | None = None, *, meant: str = ""
) -> dict[str, Any]:
    """An attempt at this that was begun and not finished, which is meant or the newest, for who may finish it."""
    if not (code.needs_oauth and visitor.may_manage):
        return {}
    now = clock()
    mine = unfinished(visitor.tenant, now=now).filter(connector_key=code.key, connection=connection)
    rows = list(mine.order_by("-pk")[:SHOWN])
    row = next((row for row in rows if str(row.public_id) == meant), rows[0] if rows else None)
    return {"stopped": stopped(request, row, now=now)} if row else {}


def login_of_attempt(context: dict[str, Any]) -> dict[str, str]:
    """Where people were sent to sign in by the attempt that was not finished; empty where there is none."""
    if "stopped" not in context:
        return {}
    row = context["stopped"].row
    return {"environment": row.environment, "login_host": row.login_host}


def managers(visitor: Visitor) -> list[Membership]:
    """Whom a member asks."""
    if visitor.may_manage:
        return []
    rows = Membership.objects.of(visitor.tenant).filter(role__in=("owner", "admin"), user__is_active=True)
    return list(rows.select_related("user").order_by("-role", "user__email")[:5])


@require_http_methods(["GET", "POST"])
@never_cache
@sensitive_post_parameters()
@for_visitors(least=ADMIN)
def fill_in(request: HttpRequest, visitor: Visitor, connector: str) -> HttpResponse:
    code = offered_or_404(connector)
    if code.needs_oauth or code.key not in ConnectorApp.ready():
        return HttpResponseRedirect(reverse("portal:connect", args=[visitor.tenant.reference, code.key]))
    if visitor.tenant.suspended:
        return suspended_page(request, visitor, code)
    form = FillInForm(request.POST or None, connector=code)
    context: dict[str, Any] = {"visitor": visitor, "connector": code, "form": form}
    if request.method == "POST" and form.is_valid():
        return tested(request, visitor, form, context)
    return render(request, "portal/wizard/fill_in.html", context)


def suspended_page(request: HttpRequest, visitor: Visitor, code: Connector) -> HttpResponse:
    """Nothing is connected for a tenant that is suspended."""
    home = reverse("portal:home", args=[visitor.tenant.reference])
    return problem_page(request, Refused("tenant_suspended"), code, back=home)


@sensitive_variables()
def tested(request: HttpRequest, visitor: Visitor, form: FillInForm, context: dict[str, Any]) -> HttpResponse:
    code, said, now = context["connector"], form.cleaned_data, clock()
    row = connect.draft(visitor.tenant, code.key, said["name"], said["settings"])
    document, made = connect.completed(code, said["document"], random=secrets.token_bytes)
    finding = probe.probe(row, document, call=egress.outward, now=now)
    context["checks"] = checks.steps(finding)
    if not finding.lives:
        context["problem"] = told(checks.problem_of(finding), code, hub=settings.HUB_NAME, detail=checks.told(finding))
        return render(request, "portal/wizard/fill_in.html", context, status=422)
    try:
        how = {"by": visitor.user, "random": secrets.SystemRandom().random, "now": now}
        steer.establish(row, document, finding, hand_of(request, visitor), **how)
    except connect.AlreadyConnected as clash:
        form.add_error(None, str(clash))
        return render(request, "portal/wizard/fill_in.html", context, status=409)
    if made:
        return done_page(request, visitor, row, secret=made)
    return HttpResponseRedirect(reverse("portal:connected", args=[visitor.tenant.reference, row.public_id]))


@require_safe
@for_visitors()
def connected(request: HttpRequest, visitor: Visitor, id: UUID) -> HttpResponse:
    """As long as what it says holds; then the page of the connection knows better."""
    row = own_connection(visitor, id)
    return done_page(request, visitor, row) if row.state == "healthy" else back_to(visitor, row)


def done_page(request: HttpRequest, visitor: Visitor, row: Connection, secret: str = "") -> HttpResponse:
    """A secret that was made is shown now, and never again."""
    routes = list(routes_to(row)[:ROUTES_SHOWN])
    context = {
        "visitor": visitor,
        "connection": row,
        "connector": row.connector,
        "secret": secret,
        "conversions": conversions(routes[:CONVERSIONS_SHOWN], row),
        "others": routes[CONVERSIONS_SHOWN:],
        "missing": named_by(routes, row),
        "checks": checks.steps(probe.Finding(probe.Account(row.account, row.account_name))),
    }
    return render(request, "portal/wizard/done.html", context)
