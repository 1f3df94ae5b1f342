"""Pages of OAuth after the system: callback, confirmation of the account, refusals."""

import secrets
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_GET, require_http_methods

from connectors.http import Unreadable
from connectors.oauth import OAuth
from hub import egress
from hub.audit import ActorContext
from hub.connections.connecting.connect_links import build_guest_tenant_user
from hub.connections.connecting.oauth.begin import build_redirect_uri
from hub.connections.connecting.oauth.callback import (
    read_stored_code,
    receive_callback,
    redeem_stored_code,
)
from hub.connections.connecting.oauth.confirm import confirm_authorization
from hub.connections.connecting.oauth.confirmation_plan import plan_confirmation
from hub.connections.connecting.oauth.session import AuthorizationRefused
from hub.connections.connecting.oauth.uninstall import handle_uninstall
from hub.connections.connecting.troubleshooting import PROBLEMS
from hub.connections.credentials.abandoned_authorizations import (
    abandon_authorization,
    cancel_authorization,
)
from hub.connections.models import Authorization, Connection
from hub.connections.views.oauth_begin import (
    build_return_url,
    get_oauth_connector_or_404,
    identify_browser,
)
from hub.connections.views.result_pages import (
    render_confirm_page,
    render_exchange_wait_page,
    render_problem_page,
    render_refusal,
)
from hub.crypto.sealed import CannotOpen
from hub.db.clock import clock
from hub.db.state_machine import InvalidTransition
from tenants.access.tenant_users import (
    GuestSessionOver,
    TenantUser,
    find_tenant_user,
    render_visit_over,
    require_recent_login,
)

UNINSTALL_BODY_BYTES_MAX = 64 * 1024  # bytes of an uninstall call
# seconds that a code exchange waits for a slot, before its page reloads itself
EXCHANGE_WAIT_SECONDS = 1.0
END_REASONS = {"begun": "unfinished", "received": "interrupted"}


def _build_result_url(authorization: Authorization, connection: Connection | None) -> str:
    """Build the URL of the last page; a guest sees no page of the tenant."""
    if authorization.link_id:
        return reverse("connections:link_done")
    if connection and _is_new_connection(authorization, connection):
        return reverse(
            "portal:connected", args=[authorization.tenant.reference, connection.public_id]
        )
    return build_return_url(authorization.tenant, connection)


def _is_new_connection(authorization: Authorization, connection: Connection) -> bool:
    return connection.created_at >= authorization.created_at


@csrf_exempt  # a DELETE comes from the system, not from a browser; it is signed with our secret
@require_http_methods(["GET", "DELETE"])
@never_cache
@sensitive_variables()
def handle_callback(request: HttpRequest, connector: str) -> HttpResponse:
    """Handle the callback once, then redirect to an address that holds no code."""
    if request.method == "DELETE":
        return _handle_uninstall_call(request, get_oauth_connector_or_404(connector))
    provider, identity = get_oauth_connector_or_404(connector), identify_browser(request)
    parameters = dict(request.GET.lists())
    try:
        authorization = receive_callback(
            parameters,
            connector=provider,
            identity=identity,
            redirect_uri=build_redirect_uri(provider),
            call=egress.send_request,
            wait=EXCHANGE_WAIT_SECONDS,
            now=clock(),
        )
    except AuthorizationRefused as refused:
        return _redirect_without_referrer("refused", provider.key, refused.reason)
    return _redirect_without_referrer("confirm", authorization.public_id)


def _handle_uninstall_call(request: HttpRequest, provider: OAuth) -> HttpResponse:
    """Handle an uninstall call: check the authorizations of the account's connections now."""
    authorization = request.headers.get("Authorization", "")
    try:
        is_known = handle_uninstall(
            provider, authorization, request.body[:UNINSTALL_BODY_BYTES_MAX], now=clock()
        )
    except (Unreadable, CannotOpen, RequestDataTooBig):
        return HttpResponse(status=400)
    return HttpResponse(status=204 if is_known else 401)


def _redirect_without_referrer(name: str, *args: Any) -> HttpResponse:
    """Redirect with `no-referrer`; pages with forms need the Origin header for CSRF instead."""
    response = HttpResponseRedirect(reverse(f"connections:{name}", args=args))
    response["Referrer-Policy"] = "no-referrer"
    return response


@require_GET
@never_cache
def show_refusal(request: HttpRequest, connector: str, code: str) -> HttpResponse:
    """Show why a callback matched no authorization of this browser, without details."""
    if code not in PROBLEMS:
        raise Http404(code)
    return render_problem_page(
        request,
        AuthorizationRefused(code),
        get_oauth_connector_or_404(connector),
        back_url=reverse("front"),
        status=400,
    )


@require_http_methods(["GET", "POST"])
@never_cache
def confirm_account(request: HttpRequest, id: UUID) -> HttpResponseBase:
    """Ask whether to connect this account to this tenant, or show how the authorization ended."""
    authorization = _find_own_authorization(request, id)
    try:
        tenant_user = (
            build_guest_tenant_user(authorization.link)
            if authorization.link
            else find_tenant_user(request, authorization.tenant.reference)
        )
    except GuestSessionOver:
        return render_visit_over(request)
    if not tenant_user.can_manage:
        raise PermissionDenied
    if request.method == "POST":
        replaces = tenant_user.is_owner and request.POST.get("do") == "replace"
        return (_answer_replacement if replaces else _answer_confirmation)(
            request, authorization, tenant_user
        )
    redeem_stored_code(
        authorization, call=egress.send_request, now=clock(), wait=EXCHANGE_WAIT_SECONDS
    )
    if authorization.state == "begun" and read_stored_code(authorization):
        return render_exchange_wait_page(request, authorization)
    if authorization.state == "granted" and authorization.is_late(now=clock()):
        abandon_authorization(authorization, "late", now=clock())
    if authorization.state == "granted":
        return render_confirm_page(
            request, authorization, plan_confirmation(authorization, tenant_user)
        )
    return _show_ended_authorization(request, authorization)


def _find_own_authorization(request: HttpRequest, id: UUID) -> Authorization:
    """Return the authorization, if this person began it in this browser.

    Raises Http404 otherwise.
    """
    authorizations = Authorization.unscoped.select_related(
        "tenant", "user", "connection__tenant", "connection__credential", "link__tenant"
    )
    authorization, identity = (
        get_object_or_404(authorizations, public_id=id),
        identify_browser(request),
    )
    if not (identity.is_browser_of(authorization) and identity.has_begun(authorization)):
        raise Http404(id)
    return authorization


def _answer_confirmation(
    request: HttpRequest, authorization: Authorization, tenant_user: TenantUser
) -> HttpResponse:
    decision, now = request.POST.get("do", ""), clock()
    try:
        if decision == "cancel":
            cancel_authorization(authorization, now=now)
            messages.info(request, _("Nothing was connected."))
            return HttpResponseRedirect(authorization.return_to)
        connection = confirm_authorization(
            authorization,
            tenant_user,
            ActorContext.of_visitor(request, tenant_user),
            replace=decision == "replace",
            call=egress.send_request,
            random=secrets.SystemRandom().random,
            now=now,
        )
    except AuthorizationRefused as refused:
        authorization.refresh_from_db()
        return render_refusal(
            request, authorization, refused, plan_confirmation(authorization, tenant_user)
        )
    except InvalidTransition:  # another request was first, such as a second click
        authorization.refresh_from_db()
        return _show_ended_authorization(request, authorization)
    # the last page of a new connection shows this itself
    if authorization.link_id or not _is_new_connection(authorization, connection):
        messages.success(request, _("%(name)s is connected.") % {"name": connection.name})
    return HttpResponseRedirect(_build_result_url(authorization, connection))


_answer_replacement = require_recent_login(_answer_confirmation)


def _show_ended_authorization(request: HttpRequest, authorization: Authorization) -> HttpResponse:
    if authorization.state == "confirmed":
        return HttpResponseRedirect(_build_result_url(authorization, authorization.connection))
    if authorization.state == "cancelled":
        return HttpResponseRedirect(authorization.return_to)
    refused = AuthorizationRefused(
        authorization.reason or END_REASONS.get(authorization.state, "refused"),
        authorization.detail,
    )
    return render_problem_page(
        request,
        refused,
        authorization.connector,
        back_url=authorization.return_to,
        authorization=authorization,
        status=200,
    )
