"""Pages of a connect link: what is requested and why, and a button to connect as a guest.

The first page redirects to an address without the token; later pages show no id in their address.
"""

import secrets
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from connectors.oauth import OAuth
from hub.connections.connecting import connect_links
from hub.connections.connecting.login_hosts import (
    build_login_choices,
    login_host_of,
    read_chosen_login,
)
from hub.connections.connecting.oauth.pending import find_pending_of_link
from hub.connections.connecting.troubleshooting import explain_problem
from hub.connections.models import ConnectLink
from hub.connections.views.oauth_begin import (
    BROWSER_SESSION_KEY,
    LINK_SESSION_KEY,
    send_to_provider,
)
from hub.db.clock import clock
from tenants.access.guest_sessions import protect_secret_url, start_session


@protect_secret_url
@require_http_methods(["GET", "HEAD", "POST"])
def open_link(request: HttpRequest, token: str) -> HttpResponse:
    """Open the link by POST; a GET, for example by a mail program's preview, leaves it unused."""
    link = connect_links.find_connect_link_by_token(token)
    if link is None or not _can_open_link(request, link):
        return render_ended_link(request, link)
    if request.method != "POST" or request.user.is_authenticated:
        return _render_link_page(request, link)
    if (held_link := find_held_link(request)) is not None and held_link.pk == link.pk:
        request.session.cycle_key()
    else:
        start_session(
            request, BROWSER_SESSION_KEY, secrets.token_urlsafe(32), until=link.expires_at
        )
        request.session[LINK_SESSION_KEY] = str(link.public_id)
    origin = {
        "request_id": getattr(request, "request_id", ""),
        "ip": request.META.get("REMOTE_ADDR", ""),
    }
    try:
        connect_links.open_connect_link(
            link, request.session[BROWSER_SESSION_KEY], now=clock(), **origin
        )
    except connect_links.ConnectLinkEnded:
        request.session.flush()
        return render_ended_link(request, link)
    return _continue_connecting(request, link)


def _can_open_link(request: HttpRequest, link: ConnectLink) -> bool:
    """Whether no browser has opened the link yet, or this browser has."""
    is_held = connect_links.is_connect_link_held_by(
        link, request.session.get(BROWSER_SESSION_KEY, ""), now=clock()
    )
    return is_held or link.state(clock()) == "pending"


def find_held_link(request: HttpRequest) -> ConnectLink | None:
    """Return the link that this browser opened, while it can be used."""
    if request.user.is_authenticated or LINK_SESSION_KEY not in request.session:
        return None
    link = (
        connect_links.query_connect_links()
        .filter(public_id=request.session[LINK_SESSION_KEY])
        .first()
    )
    return (
        link
        if connect_links.is_connect_link_held_by(
            link, request.session.get(BROWSER_SESSION_KEY, ""), now=clock()
        )
        else None
    )


@require_safe
@never_cache
def show_link(request: HttpRequest) -> HttpResponse:
    """Show the same page after the link was opened, at an address without the token."""
    link = find_held_link(request)
    return (
        _render_link_page(request, link, reverse("connections:link_start"))
        if link
        else render_ended_link(request)
    )


@require_POST
@never_cache
def start_connecting(request: HttpRequest) -> HttpResponse:
    link = find_held_link(request)
    return _continue_connecting(request, link) if link else render_ended_link(request)


def _continue_connecting(request: HttpRequest, link: ConnectLink) -> HttpResponse:
    """Redirect to the external system, or to the form."""
    connector = link.connector
    if not isinstance(connector, OAuth):
        return HttpResponseRedirect(reverse("connections:link_fill_in"))
    page = reverse("connections:link_here")
    options: dict[str, Any] = {
        "connection": link.connection,
        "link": link,
        "optional": request.POST.getlist("optional"),
    }
    fixed = {"environment": link.environment, "login_host": link.login_host or None}
    options |= fixed if link.environment else read_chosen_login(request.POST)
    response = send_to_provider(
        request, link.tenant, connector, back_url=page, return_to=page, **options
    )
    response["Referrer-Policy"] = "no-referrer"
    return response


@require_safe
def show_link_done(request: HttpRequest) -> HttpResponse:
    return render(request, "connections/link_done.html")


def _render_link_page(
    request: HttpRequest, link: ConnectLink, form_action_url: str = ""
) -> HttpResponse:
    """Render the page of a link; without `form_action_url` its button posts to the same address."""
    context = {
        "link": link,
        "connector": link.connector,
        "form_action_url": form_action_url,
        **build_login_choices(link.connector, **find_current_login(link)),
    }
    context["environment"] = link.connector.environment(link.environment)
    if form_action_url and (waits := find_pending_of_link(link)):
        context |= {
            "waiting": waits,
            "asks": explain_problem("awaiting_approval", link.connector, hub=settings.HUB_NAME),
        }
    return render(request, "connections/link.html", context)


def find_current_login(link: ConnectLink) -> dict[str, str]:
    """Return the environment and login host of the connection to reconnect."""
    if link.connection is None:
        return {}
    environment = link.connection.settings.get("environment", "")
    return {"environment": environment, "login_host": login_host_of(link.connection)}


def render_ended_link(request: HttpRequest, link: ConnectLink | None = None) -> HttpResponse:
    """Render that the link has ended; a guessed address gets the same page, without details."""
    elsewhere = link is not None and link.state(clock()) == "opened"
    return render(request, "connections/link_ended.html", {"elsewhere": elsewhere}, status=404)
