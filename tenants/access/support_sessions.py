"""The support visit of a session: which tenant's pages a member of staff may read in it.

The session contains the visit's public id. Every request checks the visit's row, and the
permissions of the person: those of the admin (staff with a second factor), and those of a visit.
"""

from datetime import datetime
from typing import cast
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from tenants.models import SupportVisit, Tenant, User
from tenants.scoping import is_among, visible_rows

SESSION_KEY = "support_visit"
# Both are needed: to see the tenant in the admin, and to open its pages as its members see them.
PERMISSIONS = ("tenants.view_tenant", "tenants.add_supportvisit")
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class SupportVisitOver(PermissionDenied):
    """The visit has ended, or the person may no longer make one."""


class SupportVisitReadOnly(PermissionDenied):
    """A support visit requested a change, or a page that is not shown to support."""


def can_visit_tenant(user: User, tenant: Tenant) -> bool:
    """Return whether the person is active staff with the permission, and may see this tenant."""
    return (
        user.is_active
        and user.is_staff
        and user.has_perms(PERMISSIONS)
        and is_among(visible_rows, user, tenant)
    )


def get_visit_id(request: HttpRequest) -> UUID | None:
    """Return the public id of the session's visit."""
    stored = request.session.get(SESSION_KEY)
    return UUID(stored) if stored else None


def store_visit(request: HttpRequest, visit: SupportVisit) -> None:
    request.session[SESSION_KEY] = str(visit.public_id)


def forget_visit(request: HttpRequest) -> None:
    request.session.pop(SESSION_KEY, None)


def find_support_visit(
    request: HttpRequest, reference: str, *, now: datetime
) -> SupportVisit | None:
    """Return the visit of this session to the tenant with this reference; None if it has none.

    Raises SupportVisitOver when the visit has ended, SupportVisitReadOnly when the request is not
    a safe one.
    """
    visit_id = get_visit_id(request)
    if visit_id is None:
        return None
    rows = SupportVisit.unscoped.select_related("tenant")
    visit = rows.filter(public_id=visit_id, tenant__reference=reference).first()
    if visit is None:
        return None
    user = cast(User, request.user)
    if visit.user_id != user.pk or not visit.is_active(now=now):
        raise SupportVisitOver
    if not (admin.site.has_permission(request) and can_visit_tenant(user, visit.tenant)):
        raise SupportVisitOver
    if request.method not in SAFE_METHODS:
        raise SupportVisitReadOnly
    return visit
