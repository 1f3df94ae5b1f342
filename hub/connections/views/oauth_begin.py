"""The page that begins an authorization, and the browser that it belongs to."""

import secrets
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from connectors.oauth import OAuth
from connectors.registry import CONNECTORS
from hub.connections.connecting.login_hosts import LoginHostRefused, read_chosen_login
from hub.connections.connecting.oauth.begin import begin_authorization, build_redirect_uri
from hub.connections.connecting.oauth.pending import find_pending_authorizations
from hub.connections.connecting.oauth.session import AuthorizationRefused, BrowserIdentity
from hub.connections.credentials.abandoned_authorizations import cancel_authorization
from hub.connections.models import Authorization, Connection, build_guest_reference
from hub.connections.views.result_pages import render_login_host_page, render_problem_page
from hub.db.clock import clock
from hub.db.state_machine import InvalidTransition
from tenants.access.guest_sessions import current_guest
from tenants.access.tenant_users import TenantUser, tenant_view
from tenants.models import Membership, Tenant, User

BROWSER_SESSION_KEY = "connecting"  # session key: identifies the browser that began
LINK_SESSION_KEY = "connect_link"  # session key: the public id of a guest's connect link


def build_return_url(tenant: Tenant, connection: Connection | None = None) -> str:
    """Build the URL of the tenant's home, or of the connection's page."""
    if connection:
        return reverse("portal:connection", args=[tenant.reference, connection.public_id])
    return reverse("portal:home", args=[tenant.reference])


def get_oauth_connector_or_404(key: str) -> OAuth:
    """Return the OAuth connector with this key. Raises Http404 if there is none."""
    connector = CONNECTORS.get(key)
    if not isinstance(connector, OAuth):
        raise Http404(key)
    return connector


def identify_browser(request: HttpRequest) -> BrowserIdentity:
    """Return the person, or the guest, of this request and their browser."""
    browser = request.session.get(BROWSER_SESSION_KEY, "")
    if isinstance(request.user, User):
        return BrowserIdentity(browser, request.user)
    visiting, link = current_guest(request), request.session.get(LINK_SESSION_KEY)
    return BrowserIdentity(
        browser,
        None,
        visiting.reference if visiting else build_guest_reference(link) if link else "",
    )


def _choose_internal_url(url: str, *, otherwise: str) -> str:
    """Return the URL if it is a path of the hub, else `otherwise`; this prevents open redirects."""
    safe = url.startswith("/") and url_has_allowed_host_and_scheme(url, allowed_hosts=None)
    return url if safe and url.isprintable() and len(url) <= 500 else otherwise


@require_POST
@never_cache
@tenant_view(min_role=Membership.Role.ADMIN)
def authorize_account(
    request: HttpRequest, tenant_user: TenantUser, connector: str
) -> HttpResponse:
    """Show a page that redirects to the consent page.

    A redirect of the form itself would be blocked by our `form-action` policy.
    """
    provider, data, target = get_oauth_connector_or_404(connector), request.POST, None
    if data.get("connection"):
        own_connections = Connection.objects.of(tenant_user.tenant).filter(
            connector_key=provider.key
        )
        target = get_object_or_404(
            own_connections, public_id=_parse_uuid_or_404(data["connection"])
        )
    request.session.setdefault(BROWSER_SESSION_KEY, secrets.token_urlsafe(32))
    home = build_return_url(tenant_user.tenant, target)
    next_url = data.get("next", "") if len(data.getlist("next")) == 1 else ""
    return send_to_provider(
        request,
        tenant_user.tenant,
        provider,
        back_url=home,
        return_to=_choose_internal_url(next_url, otherwise=home),
        name=data.get("name", "").strip()[:200],
        connection=target,
        optional=data.getlist("optional"),
        **read_chosen_login(data),
    )


def send_to_provider(
    request: HttpRequest, tenant: Tenant, provider: OAuth, *, back_url: str, **options: Any
) -> HttpResponse:
    try:
        authorization, url = begin_authorization(
            tenant,
            provider,
            identify_browser(request),
            redirect_uri=build_redirect_uri(provider),
            random=secrets.token_bytes,
            now=clock(),
            **options,
        )
    except LoginHostRefused as wrong:
        entered = {
            key: options[key]
            for key in ("connection", "link", "name", "return_to")
            if options.get(key)
        }
        unsent = Authorization(tenant=tenant, connector_key=provider.key, **entered)
        return render_login_host_page(
            request, unsent, wrong, back_url=back_url, optional=options["optional"]
        )
    except AuthorizationRefused as refused:
        return render_problem_page(request, refused, provider, back_url=back_url)
    return render(
        request,
        "connections/redirect.html",
        {"connector": provider, "row": authorization, "url": url, "back": back_url},
    )


def _parse_uuid_or_404(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Http404(text) from None


@require_POST
@tenant_view(min_role=Membership.Role.ADMIN)
def cancel_pending(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    """Cancel a pending authorization and revoke what was granted."""
    now = clock()
    authorization = get_object_or_404(
        find_pending_authorizations(tenant_user.tenant, now=now), public_id=id
    )
    with suppress(InvalidTransition):  # the person has just returned
        cancel_authorization(authorization, now=now)
    return HttpResponseRedirect(build_return_url(tenant_user.tenant, authorization.connection))
