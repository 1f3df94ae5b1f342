"""Who belongs to a tenant. Members look, owners decide."""

import secrets
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from hub.clock import clock
from tenants import people
from tenants.models import Invitation, Membership
from tenants.pages.forms import ROLES, InviteForm, RoleForm
from tenants.people import Hand
from tenants.visitors import Visitor, asks_again, for_visitors

OWNER = Membership.Role.OWNER


@require_safe
@login_required
def tenants(request: HttpRequest) -> HttpResponse:
    """The tenants of a person, to choose from."""
    mine = Membership.unscoped.filter(user=request.user).select_related("tenant").order_by("tenant__name")
    return render(request, "people/tenants.html", {"memberships": mine})


@require_http_methods(["GET", "HEAD", "POST"])
@for_visitors()
def members(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    if request.method != "POST":
        return page(request, visitor, InviteForm())
    visitor.must_own()
    return invite(request, visitor)


@asks_again
def invite(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """Otherwise a session that was left open would bring in another owner."""
    form, now = InviteForm(request.POST), clock()
    if not form.is_valid():
        return page(request, visitor, form)
    said = form.cleaned_data
    try:
        invitation = people.invite(
            visitor.tenant, said["email"], said["role"], hand_of(request, visitor), random=secrets.token_bytes, now=now
        )
    except people.Refused as refused:
        form.add_error("email", str(refused))
        return page(request, visitor, form)
    say_sent(request, invitation)
    return back(visitor)


def page(request: HttpRequest, visitor: Visitor, form: InviteForm) -> HttpResponse:
    now, tenant = clock(), visitor.tenant
    open_ones = Invitation.objects.of(tenant).filter(accepted_at=None, revoked_at=None).order_by("-asked_at")
    context = {
        "visitor": visitor,
        "form": form,
        "roles": ROLES,
        "members": rows_of(tenant),
        "invitations": [(one, one.state(now)) for one in open_ones],
    }
    return render(request, "people/members.html", context)


def rows_of(tenant: Any) -> Any:
    return Membership.objects.of(tenant).select_related("user").order_by("user__email")


@require_POST
@for_visitors(least=OWNER)
@asks_again
def role(request: HttpRequest, visitor: Visitor, id: UUID) -> HttpResponse:
    membership = get_object_or_404(rows_of(visitor.tenant).select_related("tenant", "user"), public_id=id)
    form = RoleForm(request.POST)
    if form.is_valid():
        try:
            people.change_role(membership, form.cleaned_data["role"], hand_of(request, visitor), now=clock())
            messages.success(request, _("The role of %(who)s is changed.") % {"who": membership.user})
        except people.Refused as refused:
            messages.error(request, str(refused))
    return back(visitor)


@require_http_methods(["GET", "HEAD", "POST"])
@for_visitors(least=OWNER)
@asks_again
def remove(request: HttpRequest, visitor: Visitor, id: UUID) -> HttpResponse:
    membership = get_object_or_404(rows_of(visitor.tenant).select_related("tenant", "user"), public_id=id)
    if request.method != "POST":
        return render(request, "people/remove.html", {"visitor": visitor, "membership": membership})
    try:
        people.remove(membership, hand_of(request, visitor), now=clock())
        messages.success(request, _("%(who)s does not belong here any more.") % {"who": membership.user})
    except people.Refused as refused:
        messages.error(request, str(refused))
    return redirect("people:tenants") if membership.user == visitor.user else back(visitor)


@require_POST
@for_visitors(least=OWNER)
def send_again(request: HttpRequest, visitor: Visitor, id: UUID) -> HttpResponse:
    invitation = invitation_of(visitor, id)
    try:
        people.invite_again(invitation, hand_of(request, visitor), random=secrets.token_bytes, now=clock())
        say_sent(request, invitation)
    except people.Refused as refused:
        messages.error(request, str(refused))
    return back(visitor)


@require_POST
@for_visitors(least=OWNER)
def revoke(request: HttpRequest, visitor: Visitor, id: UUID) -> HttpResponse:
    invitation = invitation_of(visitor, id)
    try:
        people.revoke(invitation, hand_of(request, visitor), now=clock())
        messages.success(request, _("The invitation of %(who)s has ended.") % {"who": invitation.email})
    except people.Refused as refused:
        messages.error(request, str(refused))
    return back(visitor)


def invitation_of(visitor: Visitor, id: UUID) -> Invitation:
    return get_object_or_404(Invitation.objects.of(visitor.tenant).select_related("tenant"), public_id=id)


def hand_of(request: HttpRequest, visitor: Visitor) -> Hand:
    return Hand.of(request, visitor.actor, user=visitor.user)


def say_sent(request: HttpRequest, invitation: Invitation) -> None:
    messages.success(request, _("An invitation is on its way to %(who)s.") % {"who": invitation.email})


def back(visitor: Visitor) -> HttpResponse:
    return redirect("people:members", visitor.tenant.reference)
