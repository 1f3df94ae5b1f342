"""Pages of a tenant's members, which members read, and of the tenants of a user."""

from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from hub.db.clock import clock
from tenants.access.tenant_users import TenantUser, tenant_view
from tenants.models import Invitation, Membership, User
from tenants.services.declared_actions import ROLES, InviteForm


@require_safe
@login_required
def list_tenants(request: HttpRequest) -> HttpResponse:
    """List the tenants of the user, to choose one."""
    user = cast(User, request.user)
    memberships = (
        Membership.unscoped.filter(user=user).select_related("tenant").order_by("tenant__name")
    )
    return render(request, "people/tenants.html", {"memberships": memberships})


@require_safe
@tenant_view()
def show_members(request: HttpRequest, tenant_user: TenantUser) -> HttpResponse:
    now, tenant = clock(), tenant_user.tenant
    open_invitations = (
        Invitation.objects.of(tenant)
        .filter(accepted_at=None, revoked_at=None)
        .order_by("-asked_at")
    )
    context = {
        "tenant_user": tenant_user,
        "form": InviteForm(),
        "roles": ROLES,
        "members": Membership.objects.of(tenant).select_related("user").order_by("user__email"),
        "invitations": [(invitation, invitation.state(now)) for invitation in open_invitations],
    }
    return render(request, "people/members.html", context)
