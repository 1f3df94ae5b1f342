"""Who stands before a customer's page: a member of the tenant that the address names, and what they may do there."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from allauth.account.decorators import reauthentication_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse

from hub.audit import Actor
from tenants.models import Membership, Tenant, User

RANK = {Membership.Role.MEMBER: 0, Membership.Role.ADMIN: 1, Membership.Role.OWNER: 2}


@dataclass(frozen=True, slots=True)
class Visitor:
    """A person at one tenant. `user` is None for a guest, whom our own application knows by `reference`."""

    tenant: Tenant
    role: str
    user: User | None = None
    reference: str = ""

    def is_at_least(self, role: str) -> bool:
        return RANK[Membership.Role(self.role)] >= RANK[Membership.Role(role)]

    @property
    def may_manage(self) -> bool:
        """Connect, pause, disconnect, send again: owners and admins; a member reads."""
        return self.is_at_least(Membership.Role.ADMIN)

    @property
    def owns(self) -> bool:
        return self.is_at_least(Membership.Role.OWNER)

    def must_own(self) -> None:
        if not self.owns:
            raise PermissionDenied

    @property
    def actor(self) -> Actor:
        if self.user:
            return Actor.of_user(self.user)
        return Actor("guest", self.reference, self.reference)


def home_of(tenant: Tenant) -> str:
    return f"/t/{tenant.reference}/"


def visitor_of(request: HttpRequest, reference: str) -> Visitor:
    """Raises Http404: nobody is told which tenants there are."""
    user = request.user
    if not isinstance(user, User):
        raise Http404(reference)
    rows = Membership.unscoped.select_related("tenant").filter(user=user, tenant__reference=reference)
    membership = rows.first()
    if membership is None:
        raise Http404(reference)
    visitor = Visitor(membership.tenant, membership.role, user)
    request.visitor = visitor  # type: ignore[attr-defined]  # the frame of the page names them
    return visitor


def for_visitors(*, least: str = Membership.Role.MEMBER) -> Callable[[Callable[..., HttpResponse]], Callable[..., Any]]:
    """Before a view of a page below /t/<tenant>/: it is handed the visitor, and nobody else comes in."""

    def before(view: Callable[..., HttpResponse]) -> Callable[..., Any]:
        @wraps(view)
        def guarded(request: HttpRequest, tenant: str, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            visitor = visitor_of(request, tenant)
            if not visitor.is_at_least(least):
                raise PermissionDenied
            return view(request, visitor, *args, **kwargs)

        return guarded

    return before


def asks_again(view: Callable[..., HttpResponse]) -> Callable[..., Any]:
    """Before a sensitive act: whoever has not shown for five minutes who they are does so again, by password or second
    factor, and comes back to the same act. It stands below for_visitors(), or alone.

    A POST waits for that in the session, as it is: it must carry no secret. A guest has nothing to show.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.user.is_anonymous:
            raise PermissionDenied
        return confirmed(request, *args, **kwargs)

    confirmed = reauthentication_required(view)
    return guarded
