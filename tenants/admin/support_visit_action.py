"""The read-only visit of staff to a tenant's pages."""

from datetime import datetime
from typing import Any, cast

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseRedirect

from hub import staff
from hub.audit import ActorContext
from tenants.access.support_sessions import can_visit_tenant, store_visit
from tenants.access.tenant_users import tenant_home_url
from tenants.forms import SupportVisitForm
from tenants.models import SupportVisit, Tenant, User
from tenants.services.support_visit_actions import begin_support_visit, end_visit_of_session


class SupportVisitMixin:
    """Mixin of the tenants' admin: a button that opens its pages as its members see them."""

    def has_visit_permission(self, request: HttpRequest, obj: Tenant | None = None) -> bool:
        return obj is not None and can_visit_tenant(cast(User, request.user), obj)

    @staff.row_action(
        "Open the portal",
        icon="visibility",
        form=SupportVisitForm,
        permission="visit",
        question=(
            "You see the pages as the owner sees them: read-only, for 30 minutes at most, without "
            "secrets and exports. The customer sees who opened them, why, and for how long."
        ),
    )
    def visit(
        self, request: HttpRequest, tenant: Tenant, data: dict[str, Any], *, now: datetime
    ) -> staff.ActionResult:
        user, actor = cast(User, request.user), ActorContext.of_request(request)
        end_visit_of_session(request, SupportVisit.EndCause.REPLACED, now=now)
        try:
            visit = begin_support_visit(
                tenant, user, data["reason"], actor, ticket=data["ticket"], now=now
            )
        except PermissionDenied:
            raise staff.ActionRejected("You may no longer open this tenant's pages.") from None
        store_visit(request, visit)
        return staff.ActionResult(
            f"You see the pages of {tenant} as support.",
            page=HttpResponseRedirect(tenant_home_url(tenant)),
        )
