"""The person on a tenant's page: a member or a guest of the tenant in the URL, or support."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from allauth.account.decorators import reauthentication_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.cache import patch_cache_control
from django.utils.deprecation import MiddlewareMixin

from hub.audit import Actor
from hub.db.clock import clock
from tenants.access.guest_sessions import current_guest
from tenants.access.support_sessions import (
    SupportVisitOver,
    SupportVisitReadOnly,
    find_support_visit,
)
from tenants.models import Membership, PortalLink, SupportVisit, Tenant, User, is_reference

ROLE_RANKS = {Membership.Role.MEMBER: 0, Membership.Role.ADMIN: 1, Membership.Role.OWNER: 2}


@dataclass(frozen=True, slots=True)
class TenantUser:
    """A person at one tenant. `user` is None for a guest, whom our own application knows by
    `reference`, and for support, which reads the pages as an owner sees them.
    """

    tenant: Tenant
    role: str
    user: User | None = None
    reference: str = ""
    name: str = ""
    return_url: str = ""  # the page of our own application to which a guest returns
    support_visit: SupportVisit | None = None

    @property
    def role_label(self) -> str:
        return str(Membership.Role(self.role).label)

    def is_at_least(self, role: str) -> bool:
        return ROLE_RANKS[Membership.Role(self.role)] >= ROLE_RANKS[Membership.Role(role)]

    @property
    def can_manage(self) -> bool:
        """Return whether the person may connect, pause, disconnect and send again: not a member."""
        return self.is_at_least(Membership.Role.ADMIN)

    @property
    def is_owner(self) -> bool:
        return self.is_at_least(Membership.Role.OWNER)

    @property
    def actor(self) -> Actor:
        if self.user:
            return Actor.of_user(self.user)
        return Actor("guest", self.reference, self.name or self.reference)


class TenantPagesMiddleware(MiddlewareMixin):
    """Forbid to store pages below /t/: a later user of the computer could read them."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        if request.path.startswith("/t/"):
            patch_cache_control(response, no_store=True)
        return response


class GuestSessionOver(PermissionDenied):
    """The guest's visit has ended, or the portal link was revoked or is unknown."""


def tenant_home_url(tenant: Tenant) -> str:
    return f"/t/{tenant.reference}/"


def find_tenant_user(request: HttpRequest, reference: str) -> TenantUser:
    """Return the member or guest of the tenant with this reference, or the support visit to it.

    Raises Http404 if the tenant is unknown or another one's, GuestSessionOver if the guest's visit
    has ended, SupportVisitOver if the support visit has ended, SupportVisitReadOnly if support
    requests a change.
    """
    if not is_reference(reference):  # PostgreSQL raises an error for a query with a NUL
        raise Http404(reference)
    user = request.user
    tenant_user = (
        _find_support(request, reference) or _find_member(user, reference)
        if isinstance(user, User)
        else _find_guest(request, reference)
    )
    request.tenant_user = tenant_user  # type: ignore[attr-defined]  # for the page's frame
    return tenant_user


def _find_support(request: HttpRequest, reference: str) -> TenantUser | None:
    """Return the person of a support visit in this session.

    The visit takes precedence over a membership, so that a visitor who is also a member changes
    nothing.
    """
    visit = find_support_visit(request, reference, now=clock())
    if visit is None:
        return None
    person = {"reference": visit.visitor, "name": visit.visitor}
    return TenantUser(visit.tenant, Membership.Role.OWNER, None, **person, support_visit=visit)


def _find_member(user: User, reference: str) -> TenantUser:
    rows = Membership.unscoped.select_related("tenant").filter(
        user=user, tenant__reference=reference
    )
    membership = rows.first()
    if membership is None:
        raise Http404(reference)
    return TenantUser(membership.tenant, membership.role, user)


def _find_guest(request: HttpRequest, reference: str) -> TenantUser:
    """Return the guest. Raises GuestSessionOver after the visit, with a page on how to go on."""
    guest = current_guest(request)
    if guest is None or guest.tenant != reference:
        raise Http404(reference)
    links = PortalLink.unscoped.select_related("tenant").filter(tenant__reference=reference)
    link = links.filter(public_id=guest.link).first() if guest.link else None
    if link is None or link.revoked_at or guest.is_over(now=clock()):
        raise GuestSessionOver
    return TenantUser(link.tenant, guest.role, None, guest.reference, guest.name, guest.return_url)


def tenant_view(
    *, min_role: str = Membership.Role.MEMBER, shown_to_support: bool = True
) -> Callable[[Callable[..., HttpResponseBase]], Callable[..., HttpResponseBase]]:
    """Decorate a view below /t/<tenant>/: it is called with a TenantUser who has `min_role`.

    A page with secrets or exports is not `shown_to_support`.
    """

    def decorate(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def guarded(
            request: HttpRequest, tenant: str, *args: Any, **kwargs: Any
        ) -> HttpResponseBase:
            tenant_user = _find_or_refuse(request, tenant, shown_to_support)
            if isinstance(tenant_user, HttpResponse):
                return tenant_user
            if not tenant_user.is_at_least(min_role):
                return render_role_missing(request, tenant_user, min_role)
            return view(request, tenant_user, *args, **kwargs)

        return guarded

    return decorate


def _find_or_refuse(
    request: HttpRequest, reference: str, shown_to_support: bool
) -> TenantUser | HttpResponse:
    """Return the person on the tenant's page, or the response that refuses the page.

    Raises Http404 when the tenant is unknown or another one's.
    """
    if not request.user.is_authenticated and (redirect := _redirect_without_account(request)):
        return redirect
    try:
        tenant_user = find_tenant_user(request, reference)
    except GuestSessionOver:
        return render_visit_over(request)
    except SupportVisitOver:
        return render(request, "people/support_over.html", {"tenant": reference}, status=403)
    except SupportVisitReadOnly:
        return render_read_only(request, reference)
    if tenant_user.support_visit and not shown_to_support:
        return render_read_only(request, reference)
    return tenant_user


def list_people_to_ask(tenant_user: TenantUser, min_role: str) -> list[Membership]:
    """List the members with this role whom a person without it can ask; empty for who has it."""
    if tenant_user.is_at_least(min_role):
        return []
    min_rank = ROLE_RANKS[Membership.Role(min_role)]
    roles = [role for role, rank in ROLE_RANKS.items() if rank >= min_rank]
    memberships = Membership.objects.of(tenant_user.tenant).filter(
        role__in=roles, user__is_active=True
    )
    return list(memberships.select_related("user").order_by("-role", "user__email")[:5])


def render_role_missing(
    request: HttpRequest, tenant_user: TenantUser, min_role: str
) -> HttpResponse:
    """Render the page that says which role a page or change needs, and whom to ask."""
    context = {
        "tenant_user": tenant_user,
        "needs_owner": min_role == Membership.Role.OWNER,
        "managers": list_people_to_ask(tenant_user, min_role),
    }
    return render(request, "people/role_missing.html", context, status=403)


def _redirect_without_account(request: HttpRequest) -> HttpResponse | None:
    """Return the response for a person not signed in; None for a guest whose visit goes on."""
    guest = current_guest(request)
    if guest is None:
        return redirect_to_login(request.get_full_path())
    return render_visit_over(request) if guest.is_over(now=clock()) else None


def render_visit_over(request: HttpRequest) -> HttpResponse:
    return render(request, "people/visit_over.html", {"guest": current_guest(request)}, status=403)


def render_read_only(request: HttpRequest, reference: str) -> HttpResponse:
    """Render the page that explains to support staff what a visit does not show or allow."""
    return render(request, "people/support_read_only.html", {"tenant": reference}, status=403)


def require_recent_login(
    view: Callable[..., HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """Decorate a sensitive view: a user who did not authenticate for five minutes has to do so.

    By password or second factor; the user then returns to the same request. The decorator comes
    below tenant_view(), or alone. A POST is stored in the session meanwhile, so it must not contain
    a secret. A guest cannot authenticate, and is shown who can make the change. Support is never
    asked, and cannot open such a page.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        tenant_user: TenantUser | None = getattr(request, "tenant_user", None)
        if tenant_user and tenant_user.support_visit:
            return render_read_only(request, tenant_user.tenant.reference)
        if request.user.is_anonymous and current_guest(request):
            return render(request, "people/not_for_guests.html", status=403)
        if request.user.is_anonymous:
            raise PermissionDenied
        return with_recent_login(request, *args, **kwargs)

    with_recent_login: Callable[..., HttpResponseBase] = reauthentication_required(view)
    return guarded
