"""Where a connect link leads: what is asked and why, and on a button the way to connect it, as a guest.

The address with the token is left at once: what follows is at addresses that tell nothing.
"""

import secrets

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from connectors.oauth import OAuth
from hub.clock import clock
from hub.connections import links
from hub.connections.advice import told
from hub.connections.authorize.unfinished import waiting_by
from hub.connections.login_hosts import chosen_login, login_choices, login_host_of
from hub.connections.models import ConnectLink
from hub.connections.views.authorize import BROWSER, LINK, sent_away
from tenants.guests import at_a_secret_address, begin_session


@at_a_secret_address
@require_http_methods(["GET", "HEAD", "POST"])
def link(request: HttpRequest, token: str) -> HttpResponse:
    """Who only looks, such as the preview of a mail program, uses nothing up."""
    row = links.named(token)
    if row is None or not free(request, row):
        return ended(request, row)
    if request.method != "POST" or request.user.is_authenticated:
        return about(request, row)
    if (mine := held(request)) is not None and mine.pk == row.pk:
        request.session.cycle_key()
    else:
        begin_session(request, BROWSER, secrets.token_urlsafe(32), until=row.expires_at)
        request.session[LINK] = str(row.public_id)
    where = {"request_id": getattr(request, "request_id", ""), "ip": request.META.get("REMOTE_ADDR", "")}
    try:
        links.enter(row, request.session[BROWSER], now=clock(), **where)
    except links.Ended:
        request.session.flush()
        return ended(request, row)
    return onward(request, row)


def free(request: HttpRequest, row: ConnectLink) -> bool:
    """Nobody has it yet, or this browser does."""
    mine = links.held_by(row, request.session.get(BROWSER, ""), now=clock())
    return mine or row.state(clock()) == "pending"


def held(request: HttpRequest) -> ConnectLink | None:
    """The link by which this browser came, as long as it can be used."""
    if request.user.is_authenticated or LINK not in request.session:
        return None
    row = links.rows().filter(public_id=request.session[LINK]).first()
    return row if links.held_by(row, request.session.get(BROWSER, ""), now=clock()) else None


@require_safe
@never_cache
def here(request: HttpRequest) -> HttpResponse:
    """The same page for who has begun, without the token."""
    row = held(request)
    return about(request, row, reverse("connections:link_start")) if row else ended(request)


@require_POST
@never_cache
def start(request: HttpRequest) -> HttpResponse:
    row = held(request)
    return onward(request, row) if row else ended(request)


def onward(request: HttpRequest, row: ConnectLink) -> HttpResponse:
    """To the other system, or to what is filled in."""
    code = row.connector
    if not isinstance(code, OAuth):
        return HttpResponseRedirect(reverse("connections:link_fill_in"))
    page = reverse("connections:link_here")
    said = {"connection": row.connection, "link": row, "optional": request.POST.getlist("optional")}
    fixed = {"environment": row.environment, "login_host": row.login_host or None}
    said |= fixed if row.environment else chosen_login(request.POST)
    page_there = sent_away(request, row.tenant, code, back=page, return_to=page, **said)
    page_there["Referrer-Policy"] = "no-referrer"
    return page_there


@require_safe
def done(request: HttpRequest) -> HttpResponse:
    return render(request, "connections/link_done.html")


def about(request: HttpRequest, row: ConnectLink, begin_at: str = "") -> HttpResponse:
    """Empty: the button posts to the same address."""
    context = {
        "link": row,
        "connector": row.connector,
        "begin_at": begin_at,
        **login_choices(row.connector, **login_so_far(row)),
    }
    context["environment"] = row.connector.environment(row.environment)
    if begin_at and (waits := waiting_by(row)):
        context |= {"waiting": waits, "asks": told("awaiting_approval", row.connector, hub=settings.HUB_NAME)}
    return render(request, "connections/link.html", context)


def login_so_far(row: ConnectLink) -> dict[str, str]:
    """Where people signed in to the connection that is connected again."""
    if row.connection is None:
        return {}
    environment = row.connection.settings.get("environment", "")
    return {"environment": environment, "login_host": login_host_of(row.connection)}


def ended(request: HttpRequest, row: ConnectLink | None = None) -> HttpResponse:
    """Of a link that somebody guessed nothing is told."""
    elsewhere = row is not None and row.state(clock()) == "opened"
    return render(request, "connections/link_ended.html", {"elsewhere": elsewhere}, status=404)
