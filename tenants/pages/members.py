"""Page of a tenant's members. Members read it, owners change it."""

import secrets
from typing import cast
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from hub.audit import ActorContext
from hub.db.clock import clock
from hub.problems import show_refusal
from tenants.access.tenant_users import (
    TenantUser,
    render_role_missing,
    require_recent_login,
    tenant_view,
)
from tenants.models import Invitation, Membership, Tenant, User
from tenants.pages.forms import ROLES, InviteForm, RoleForm
from tenants.services import membership_actions

OWNER = Membership.Role.OWNER


@require_safe
@login_required
def list_tenants(request: HttpRequest) -> HttpResponse:
    """List the tenants of the user, to choose one."""
    user = cast(User, request.user)
    memberships = (
        Membership.unscoped.filter(user=user).select_related("tenant").order_by("tenant__name")
    )
    return render(request, "people/tenants.html", {"memberships": memberships})


@require_http_methods(["GET", "HEAD", "POST"])
@tenant_view()
def show_members(request: HttpRequest, tenant_user: TenantUser) -> HttpResponseBase:
    if request.method != "POST":
        return _render_members(request, tenant_user, InviteForm())
    if not tenant_user.is_owner:
        return render_role_missing(request, tenant_user, OWNER)
    return _invite_from_form(request, tenant_user)


@require_recent_login
def _invite_from_form(request: HttpRequest, tenant_user: TenantUser) -> HttpResponse:
    """Invite a person after a recent login, so that a session left open cannot add an owner."""
    form, now = InviteForm(request.POST), clock()
    if not form.is_valid():
        return _render_members(request, tenant_user, form)
    data = form.cleaned_data
    with show_refusal(request, form):
        invitation = membership_actions.invite_member(
            tenant_user.tenant,
            data["email"],
            data["role"],
            _person_context(request, tenant_user),
            random=secrets.token_bytes,
            now=now,
        )
        _show_sent_message(request, invitation)
        return _redirect_to_members(tenant_user)
    return _render_members(request, tenant_user, form)


def _render_members(
    request: HttpRequest, tenant_user: TenantUser, form: InviteForm
) -> HttpResponse:
    now, tenant = clock(), tenant_user.tenant
    open_invitations = (
        Invitation.objects.of(tenant)
        .filter(accepted_at=None, revoked_at=None)
        .order_by("-asked_at")
    )
    context = {
        "tenant_user": tenant_user,
        "form": form,
        "roles": ROLES,
        "members": _find_memberships(tenant),
        "invitations": [(invitation, invitation.state(now)) for invitation in open_invitations],
    }
    return render(request, "people/members.html", context)


def _find_memberships(tenant: Tenant) -> QuerySet[Membership]:
    return Membership.objects.of(tenant).select_related("user").order_by("user__email")


@require_POST
@tenant_view(min_role=OWNER)
@require_recent_login
def change_role(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    membership = get_object_or_404(
        _find_memberships(tenant_user.tenant).select_related("tenant", "user"), public_id=id
    )
    form = RoleForm(request.POST)
    if form.is_valid():
        with show_refusal(request):
            membership_actions.change_member_role(
                membership,
                form.cleaned_data["role"],
                _person_context(request, tenant_user),
                now=clock(),
            )
            messages.success(
                request, _("The role of %(who)s has been changed.") % {"who": membership.user}
            )
    return _redirect_to_members(tenant_user)


@require_http_methods(["GET", "HEAD", "POST"])
@tenant_view(min_role=OWNER)
@require_recent_login
def remove_membership(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    membership = get_object_or_404(
        _find_memberships(tenant_user.tenant).select_related("tenant", "user"), public_id=id
    )
    if request.method != "POST":
        return render(
            request, "people/remove.html", {"tenant_user": tenant_user, "membership": membership}
        )
    with show_refusal(request):
        membership_actions.remove_member(
            membership, _person_context(request, tenant_user), now=clock()
        )
        messages.success(request, _("%(who)s has been removed.") % {"who": membership.user})
    return (
        redirect("people:tenants")
        if membership.user == tenant_user.user
        else _redirect_to_members(tenant_user)
    )


@require_POST
@tenant_view(min_role=OWNER)
def send_invitation_again(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    invitation = _get_invitation(tenant_user, id)
    with show_refusal(request):
        membership_actions.resend_invitation(
            invitation,
            _person_context(request, tenant_user),
            random=secrets.token_bytes,
            now=clock(),
        )
        _show_sent_message(request, invitation)
    return _redirect_to_members(tenant_user)


@require_POST
@tenant_view(min_role=OWNER)
def revoke_open_invitation(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    invitation = _get_invitation(tenant_user, id)
    with show_refusal(request):
        membership_actions.revoke_invitation(
            invitation, _person_context(request, tenant_user), now=clock()
        )
        messages.success(
            request, _("The invitation of %(who)s has been revoked.") % {"who": invitation.email}
        )
    return _redirect_to_members(tenant_user)


def _get_invitation(tenant_user: TenantUser, id: UUID) -> Invitation:
    rows = Invitation.objects.of(tenant_user.tenant).select_related("tenant")
    invitation: Invitation = get_object_or_404(rows, public_id=id)
    return invitation


def _person_context(request: HttpRequest, tenant_user: TenantUser) -> ActorContext:
    return ActorContext.of_visitor(request, tenant_user)


def _show_sent_message(request: HttpRequest, invitation: Invitation) -> None:
    messages.success(
        request, _("An invitation is being sent to %(who)s.") % {"who": invitation.email}
    )


def _redirect_to_members(tenant_user: TenantUser) -> HttpResponse:
    return redirect("people:members", tenant_user.tenant.reference)
