"""Who belongs to a tenant: invited by mail, accepted, removed, given another role. Pages, admin and REST call these.

Each verb holds the tenant's row, so that two of them at once see each other, and tells the audit.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from django.conf import settings
from django.db import models, transaction
from django.http import HttpRequest
from django.utils.translation import gettext

from hub import audit, mail
from hub.audit import Actor
from hub.limits.spending import spend_exactly
from tenants import invitations
from tenants.keys import Random, digest_of, link_token
from tenants.models import Invitation, Membership, Tenant, User

A_WHILE = timedelta(minutes=1)
OWNER = Membership.Role.OWNER


class Refused(Exception):
    """It is not done, and nothing was changed; the sentence says why."""


@dataclass(frozen=True)
class Hand(audit.Hand):
    """`user` is None for a program."""

    user: User | None = None

    @classmethod
    def of_person(cls, request: HttpRequest, user: User) -> Self:
        return cls.of(request, Actor.of_user(user), user=user)


@transaction.atomic
def invite(tenant: Tenant, email: str, role: str, hand: Hand, *, random: Random, now: datetime) -> Invitation:
    """A mail with the link goes out; nobody else is told its token."""
    hold(tenant)
    email = email.strip().lower()
    if Membership.objects.of(tenant).filter(user__email=email).exists():
        raise Refused(gettext("This person belongs to the tenant already."))
    rows = Invitation.objects.of(tenant).filter(email=email, accepted_at=None, revoked_at=None)
    invitation = rows.first() or Invitation(tenant=tenant, email=email, created_at=now)
    if invitation.pk and invitation.state(now) == "pending":
        raise Refused(gettext("This person is invited already; the invitation can be sent again."))
    invitation.role, invitation.invited_by = role, hand.user
    invitation.inviter = str(hand.user) if hand.user else settings.HUB_NAME
    renew(invitation, random=random, now=now)
    tell(hand, "invitation.create", invitation, after={"email": email, "role": role}, now=now)
    return invitation


@transaction.atomic
def invite_again(invitation: Invitation, hand: Hand, *, random: Random, now: datetime) -> None:
    """Another mail with another link, for as long as the first; the one before is worth nothing from now on."""
    hold(invitation.tenant)
    invitation.refresh_from_db()
    if invitation.state(now) in ("accepted", "revoked"):
        raise Refused(gettext("This invitation has ended."))
    if now - invitation.asked_at < A_WHILE:
        raise Refused(gettext("A mail has just been sent; wait a minute."))
    renew(invitation, random=random, now=now)
    tell(hand, "invitation.send_again", invitation, after={"email": invitation.email}, now=now)


def renew(invitation: Invitation, *, random: Random, now: datetime) -> None:
    spend_exactly(invitation.tenant, "invitations", now=now)
    token = link_token(random=random)
    mail.withdraw(invitation.digest)
    invitation.digest, invitation.mail_reason = digest_of(token), ""
    invitation.asked_at, invitation.sent_at, invitation.expires_at = now, None, now + Invitation.LASTS
    invitation.save()
    try:
        invitations.post(invitation, token, now=now)
    except mail.NotSetUp:
        raise Refused(gettext("Mail is not set up here, so nobody can be invited.")) from None


@transaction.atomic
def revoke(invitation: Invitation, hand: Hand, *, now: datetime) -> None:
    hold(invitation.tenant)
    rows = Invitation.unscoped.filter(pk=invitation.pk, accepted_at=None, revoked_at=None)
    if not rows.update(revoked_at=now):
        raise Refused(gettext("This invitation has ended."))
    invitation.revoked_at = now
    mail.withdraw(invitation.digest)
    tell(hand, "invitation.revoke", invitation, before={"email": invitation.email}, now=now)


@transaction.atomic
def accept(invitation: Invitation, user: User, hand: Hand, *, now: datetime) -> Membership:
    """Once, in time, and by the person with that address; who belongs to the tenant already keeps the role."""
    hold(invitation.tenant)
    if user.email.lower() != invitation.email:
        raise Refused(gettext("The invitation is for another e-mail address."))
    rows = Invitation.unscoped.filter(pk=invitation.pk, accepted_at=None, revoked_at=None, expires_at__gt=now)
    if not rows.update(accepted_at=now, accepted_by=user):
        raise Refused(gettext("This invitation has ended."))
    role = {"role": invitation.role}
    membership, _ = Membership.unscoped.get_or_create(tenant=invitation.tenant, user=user, defaults=role)
    tell(hand, "invitation.accept", invitation, after={"email": invitation.email} | role, now=now)
    return membership


@transaction.atomic
def change_role(membership: Membership, role: str, hand: Hand, *, now: datetime) -> None:
    hold(membership.tenant)
    membership.refresh_from_db(fields=["role"])
    before = membership.role
    if before == role:
        return
    stay_owned(membership)
    membership.role = role
    membership.save(update_fields=["role"])
    who = {"email": membership.user.email}
    tell(hand, "membership.change_role", membership, before=who | {"role": before}, after={"role": role}, now=now)


@transaction.atomic
def remove(membership: Membership, hand: Hand, *, now: datetime) -> None:
    hold(membership.tenant)
    stay_owned(membership)
    who = {"email": membership.user.email, "role": membership.role}
    tell(hand, "membership.remove", membership, before=who, now=now)
    membership.delete()


def stay_owned(membership: Membership) -> None:
    """Raises Refused where this is the only owner."""
    owners = owners_of(membership.tenant)
    if set(owners.values_list("pk", flat=True)) == {membership.pk}:
        raise Refused(without_owner())


def refuse_only_owner(user: User) -> None:
    """Raises Refused where this person is the only owner of a tenant; holds those tenants."""
    for tenant in tenants_owned_by(user):
        hold(tenant)
    if tenants := tenants_owned_alone(user):
        names = ", ".join(tenant.name for tenant in tenants)
        raise Refused(f"{without_owner()} {gettext('Only this person owns:')} {names}.")


def tenants_owned_alone(user: User) -> list[Tenant]:
    """The tenants that have no other owner who can sign in."""
    return [tenant for tenant in tenants_owned_by(user) if not owners_of(tenant).exclude(user=user).exists()]


def tenants_owned_by(user: User) -> list[Tenant]:
    owned = Membership.unscoped.filter(user=user, role=OWNER).select_related("tenant").order_by("tenant_id")
    return [membership.tenant for membership in owned]


def owners_of(tenant: Tenant) -> models.QuerySet[Membership]:
    """Whoever is inactive cannot sign in, so they own nothing that matters."""
    return Membership.objects.of(tenant).filter(role=OWNER, user__is_active=True)


def without_owner() -> str:
    return gettext("A tenant keeps at least one owner: make somebody else an owner first.")


def hold(tenant: Tenant) -> None:
    """Until the transaction ends; what names the tenant, such as an event that is accepted, does not wait for it."""
    Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)


def tell(hand: Hand, verb: str, obj: models.Model, *, now: datetime, **said: Any) -> None:
    audit.record(verb=verb, obj=obj, tenant=obj.tenant, now=now, **hand.said, **said)
