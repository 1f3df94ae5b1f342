"""Connecting by OAuth: sending a person away, taking them back, and asking which account is meant."""

import secrets
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from connectors.oauth import OAuth
from connectors.registry import CONNECTORS
from connectors.wire import Unreadable
from hub import egress
from hub.clock import clock
from hub.connections.advice import PROBLEMS
from hub.connections.authorize.begin import begin, redirect_uri_of
from hub.connections.authorize.confirm import confirm, plan_of
from hub.connections.authorize.receive import kept_code, receive, redeem_kept
from hub.connections.authorize.unfinished import unfinished
from hub.connections.authorize.uninstalled import hear_uninstall
from hub.connections.authorize.who import Refused, Who
from hub.connections.links import visitor_by
from hub.connections.login_hosts import LoginHostRefused, chosen_login
from hub.connections.models import Authorization, Connection, guest_by
from hub.connections.revoke import abandon, cancel
from hub.connections.views.pages import (
    confirm_page,
    exchange_waits_page,
    login_host_page,
    problem_page,
    refused_page,
)
from hub.secrets import CannotOpen
from hub.states import WrongState
from tenants.guests import guest_of
from tenants.models import Membership, Tenant, User
from tenants.visitors import Visitor, VisitOver, asks_again, for_visitors, visit_over, visitor_of

BROWSER = "connecting"  # what the session holds, so that whoever begins in a browser ends in it
LINK = "connect_link"  # and the id of the link by which a guest came
UNINSTALL_MOST = 64 * 1024  # bytes of a call that tells of an uninstall
EXCHANGE_WAIT = 1.0  # seconds that an exchange waits for a slot before its page looks again by itself
ENDED = {"begun": "unfinished", "received": "interrupted"}


def page_of(tenant: Tenant, connection: Connection | None = None) -> str:
    """The tenant's own pages: all connections, or the one."""
    if connection:
        return reverse("portal:connection", args=[tenant.reference, connection.public_id])
    return reverse("portal:home", args=[tenant.reference])


def oauth_connector(key: str) -> OAuth:
    connector = CONNECTORS.get(key)
    if not isinstance(connector, OAuth):
        raise Http404(key)
    return connector


def who_of(request: HttpRequest) -> Who:
    browser = request.session.get(BROWSER, "")
    if isinstance(request.user, User):
        return Who(browser, request.user)
    visiting, link = guest_of(request), request.session.get(LINK)
    return Who(browser, None, visiting.reference if visiting else guest_by(link) if link else "")


def after(row: Authorization, made: Connection | None) -> str:
    """Where it ends: a guest who came by a connect link sees none of the tenant's pages."""
    if row.link_id:
        return reverse("connections:link_done")
    if made and is_new(row, made):
        return reverse("portal:connected", args=[row.tenant.reference, made.public_id])
    return page_of(row.tenant, made)


def is_new(row: Authorization, made: Connection) -> bool:
    return made.created_at >= row.created_at


def inside(url: str, *, otherwise: str) -> str:
    """An address of ours, by its path; whatever else somebody gives is not followed."""
    safe = url.startswith("/") and url_has_allowed_host_and_scheme(url, allowed_hosts=None)
    return url if safe and url.isprintable() and len(url) <= 500 else otherwise


# --- the way there ---


@require_POST
@never_cache
@for_visitors(least=Membership.Role.ADMIN)
def authorize(request: HttpRequest, visitor: Visitor, connector: str) -> HttpResponse:
    """A page that goes on by itself: a redirect after a form would be stopped by our own `form-action`."""
    code, said, target = oauth_connector(connector), request.POST, None
    if said.get("connection"):
        mine = Connection.objects.of(visitor.tenant).filter(connector_key=code.key)
        target = get_object_or_404(mine, public_id=uuid_or_404(said["connection"]))
    request.session.setdefault(BROWSER, secrets.token_urlsafe(32))
    home = page_of(visitor.tenant, target)
    said_once = said.get("next", "") if len(said.getlist("next")) == 1 else ""
    return sent_away(
        request,
        visitor.tenant,
        code,
        back=home,
        return_to=inside(said_once, otherwise=home),
        name=said.get("name", "").strip()[:200],
        connection=target,
        optional=said.getlist("optional"),
        **chosen_login(said),
    )


def sent_away(request: HttpRequest, tenant: Tenant, code: OAuth, *, back: str, **said: Any) -> HttpResponse:
    how = {"redirect_uri": redirect_uri_of(code), "random": secrets.token_bytes, "now": clock()}
    try:
        row, url = begin(tenant, code, who_of(request), **said, **how)
    except LoginHostRefused as wrong:
        asked = {key: said[key] for key in ("connection", "link", "name", "return_to") if said.get(key)}
        unsent = Authorization(tenant=tenant, connector_key=code.key, **asked)
        return login_host_page(request, unsent, wrong, back=back, optional=said["optional"])
    except Refused as refused:
        return problem_page(request, refused, code, back=back)
    return render(request, "connections/leaving.html", {"connector": code, "row": row, "url": url, "back": back})


def uuid_or_404(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Http404(text) from None


@require_POST
@for_visitors(least=Membership.Role.ADMIN)
def forget(request: HttpRequest, visitor: Visitor, id: UUID) -> HttpResponse:
    """What nobody finished is given up, and nothing is left of it: what was granted meanwhile is given back."""
    now = clock()
    row = get_object_or_404(unfinished(visitor.tenant, now=now), public_id=id)
    with suppress(WrongState):  # whoever was away is back just now
        cancel(row, now=now)
    return HttpResponseRedirect(page_of(visitor.tenant, row.connection))


# --- the way back ---


@csrf_exempt  # a DELETE comes from the system and not from a browser; it proves itself by our client secret
@require_http_methods(["GET", "DELETE"])
@never_cache
@sensitive_variables()
def callback(request: HttpRequest, connector: str) -> HttpResponse:
    """What came back is worked on once; then the browser is at an address that holds no code."""
    if request.method == "DELETE":
        return uninstalled(request, oauth_connector(connector))
    code, who = oauth_connector(connector), who_of(request)
    said = dict(request.GET.lists())
    try:
        there: dict[str, Any] = {"redirect_uri": redirect_uri_of(code), "call": egress.outward, "wait": EXCHANGE_WAIT}
        row = receive(said, connector=code, who=who, **there, now=clock())
    except Refused as refused:
        return onward("refused", code.key, refused.code)
    return onward("confirm", row.public_id)


def uninstalled(request: HttpRequest, code: OAuth) -> HttpResponse:
    """Somebody there removed our app: whether the authorization of their connections ended is asked at once."""
    authorization = request.headers.get("Authorization", "")
    try:
        known = hear_uninstall(code, authorization, request.body[:UNINSTALL_MOST], now=clock())
    except (Unreadable, CannotOpen, RequestDataTooBig):
        return HttpResponse(status=400)
    return HttpResponse(status=204 if known else 401)


def onward(name: str, *args: Any) -> HttpResponse:
    """`no-referrer` here only: from a page with a form, browsers would send `Origin: null`, and CSRF refuses that."""
    response = HttpResponseRedirect(reverse(f"connections:{name}", args=args))
    response["Referrer-Policy"] = "no-referrer"
    return response


@require_GET
@never_cache
def refused(request: HttpRequest, connector: str, code: str) -> HttpResponse:
    """What did not fit any attempt of this browser's; it tells nothing but the words for that."""
    if code not in PROBLEMS:
        raise Http404(code)
    return problem_page(request, Refused(code), oauth_connector(connector), back=reverse("front"), status=400)


@require_http_methods(["GET", "POST"])
@never_cache
def confirmation(request: HttpRequest, id: UUID) -> HttpResponse:
    """“Connect this account to this tenant?”, and where an attempt has ended, how."""
    row = own(request, id)
    try:
        visitor = visitor_by(row.link) if row.link else visitor_of(request, row.tenant.reference)
    except VisitOver:
        return visit_over(request)
    if not visitor.may_manage:
        raise PermissionDenied
    if request.method == "POST":
        replaces = visitor.owns and request.POST.get("do") == "replace"
        return (replace_account if replaces else answered)(request, row, visitor)
    redeem_kept(row, call=egress.outward, now=clock(), wait=EXCHANGE_WAIT)
    if row.state == "begun" and kept_code(row):
        return exchange_waits_page(request, row)
    if row.state == "granted" and row.late(now=clock()):
        abandon(row, "late", now=clock())
    if row.state == "granted":
        return confirm_page(request, row, plan_of(row, visitor))
    return ended(request, row)


def own(request: HttpRequest, id: UUID) -> Authorization:
    """Raises Http404 for everybody but the person who began it, in the browser where it began."""
    rows = Authorization.unscoped.select_related(
        "tenant", "user", "connection__tenant", "connection__credential", "link__tenant"
    )
    row, who = get_object_or_404(rows, public_id=id), who_of(request)
    if not (who.in_the_browser_of(row) and who.began(row)):
        raise Http404(id)
    return row


def answered(request: HttpRequest, row: Authorization, visitor: Visitor) -> HttpResponse:
    said, now = request.POST.get("do", ""), clock()
    where = {"request_id": getattr(request, "request_id", ""), "ip": request.META.get("REMOTE_ADDR", "")}
    try:
        if said == "cancel":
            cancel(row, now=now)
            messages.info(request, _("Nothing was connected."))
            return HttpResponseRedirect(row.return_to)
        how = {"replace": said == "replace", "call": egress.outward, "random": secrets.SystemRandom().random}
        made = confirm(row, visitor, **how, now=now, **where)
    except Refused as refused:
        row.refresh_from_db()
        return refused_page(request, row, refused, plan_of(row, visitor))
    except WrongState:  # somebody was first, such as the same person with a second click
        row.refresh_from_db()
        return ended(request, row)
    if row.link_id or not is_new(row, made):  # the last step says so itself
        messages.success(request, _("%(name)s is connected.") % {"name": made.name})
    return HttpResponseRedirect(after(row, made))


replace_account = asks_again(answered)


def ended(request: HttpRequest, row: Authorization) -> HttpResponse:
    if row.state == "confirmed":
        return HttpResponseRedirect(after(row, row.connection))
    if row.state == "cancelled":
        return HttpResponseRedirect(row.return_to)
    refused = Refused(row.reason or ENDED.get(row.state, "refused"), row.detail)
    return problem_page(request, refused, row.connector, back=row.return_to, row=row, status=200)
