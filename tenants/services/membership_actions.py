"""Invite, add and remove members, and change their roles: for admin, portal and REST.

Each function locks the tenant's row, so that concurrent changes see each other, and audits itself.
"""

from datetime import datetime, timedelta
from typing import Any, Protocol

from django.conf import settings
from django.db import models, transaction
from django.utils.translation import gettext, gettext_noop

from hub import mail
from hub.audit import ActorContext
from hub.hooks import Hook
from hub.limits.spending import spend_tenant_limit
from hub.problems import Refusal
from tenants.api_key_format import RandomBytes, digest_token, generate_link_token
from tenants.models import Invitation, Membership, Tenant, User
from tenants.scoping import Scoped
from tenants.services import invitation_mail
from tenants.services.tenant_actions import lock_tenant

INVITATION_ENDED = gettext_noop("This invitation is no longer valid.")
RESEND_INTERVAL = timedelta(minutes=1)
OWNER = Membership.Role.OWNER


class MemberReport(Protocol):
    """Is told that a user is no longer a member of a tenant, in the same transaction."""

    def __call__(self, tenant: Tenant, user: User, *, now: datetime) -> None: ...


MEMBER_LEFT: Hook[MemberReport] = Hook()


class MembershipRejected(Refusal):
    """A membership or an invitation was not changed."""


@transaction.atomic
def invite_member(
    tenant: Tenant,
    actor: ActorContext,
    *,
    email: str,
    role: str,
    random: RandomBytes,
    now: datetime,
) -> Invitation:
    """Create the invitation and send its mail, which alone contains the token.

    Raises MembershipRejected when the person is a member or is invited already.
    """
    lock_tenant(tenant)
    email = email.strip().lower()
    if Membership.objects.of(tenant).filter(user__email=email).exists():
        raise MembershipRejected(
            gettext("This person is already a member of the tenant."), field="email"
        )
    rows = Invitation.objects.of(tenant).filter(email=email, accepted_at=None, revoked_at=None)
    invitation = rows.first() or Invitation(tenant=tenant, email=email, created_at=now)
    if invitation.pk and invitation.state(now) == "pending":
        raise MembershipRejected(
            gettext("This person has already been invited. You can send the invitation again."),
            field="email",
        )
    invitation.role, invitation.invited_by = role, actor.user
    invitation.inviter = str(actor.user) if actor.user else settings.HUB_NAME
    _renew_invitation(invitation, random=random, now=now)
    audit_membership_change(
        actor, "invitation.create", invitation, after={"email": email, "role": role}, now=now
    )
    return invitation


@transaction.atomic
def resend_invitation(
    invitation: Invitation, actor: ActorContext, *, random: RandomBytes, now: datetime
) -> Invitation:
    """Send another mail with a new link, valid as long as the first; the earlier one ends.

    Raises MembershipRejected when the invitation has ended or a mail has just been sent.
    """
    lock_tenant(invitation.tenant)
    invitation.refresh_from_db()
    if invitation.state(now) in ("accepted", "revoked"):
        raise MembershipRejected(gettext(INVITATION_ENDED))
    if now - invitation.asked_at < RESEND_INTERVAL:
        raise MembershipRejected(gettext(mail.JUST_SENT))
    _renew_invitation(invitation, random=random, now=now)
    audit_membership_change(
        actor, "invitation.send_again", invitation, after={"email": invitation.email}, now=now
    )
    return invitation


def _renew_invitation(invitation: Invitation, *, random: RandomBytes, now: datetime) -> None:
    spend_tenant_limit(invitation.tenant, "invitations", now=now)
    token = generate_link_token(random=random)
    mail.withdraw_mails(invitation.digest)
    invitation.digest, invitation.mail_reason = digest_token(token), ""
    invitation.asked_at, invitation.sent_at, invitation.expires_at = (
        now,
        None,
        now + Invitation.LIFETIME,
    )
    invitation.save()
    try:
        invitation_mail.mail_invitation(invitation, token, now=now)
    except mail.MailNotConfigured:
        raise MembershipRejected(
            gettext("E-mail is not set up, so people cannot be invited.")
        ) from None


@transaction.atomic
def revoke_invitation(invitation: Invitation, actor: ActorContext, *, now: datetime) -> Invitation:
    lock_tenant(invitation.tenant)
    rows = Invitation.unscoped.filter(pk=invitation.pk, accepted_at=None, revoked_at=None)
    if not rows.update(revoked_at=now):
        raise MembershipRejected(gettext(INVITATION_ENDED))
    invitation.revoked_at = now
    mail.withdraw_mails(invitation.digest)
    audit_membership_change(
        actor, "invitation.revoke", invitation, before={"email": invitation.email}, now=now
    )
    return invitation


@transaction.atomic
def accept_invitation(
    invitation: Invitation, user: User, actor: ActorContext, *, now: datetime
) -> Membership:
    """Return the membership of the user who accepts; an existing member keeps the role.

    Raises MembershipRejected when the invitation is for another address, was accepted or revoked,
    or has expired.
    """
    lock_tenant(invitation.tenant)
    if user.email.lower() != invitation.email:
        raise MembershipRejected(gettext("The invitation is for another e-mail address."))
    rows = Invitation.unscoped.filter(
        pk=invitation.pk, accepted_at=None, revoked_at=None, expires_at__gt=now
    )
    if not rows.update(accepted_at=now, accepted_by=user):
        raise MembershipRejected(gettext(INVITATION_ENDED))
    role = {"role": invitation.role}
    membership, _ = Membership.unscoped.get_or_create(
        tenant=invitation.tenant, user=user, defaults=role
    )
    audit_membership_change(
        actor, "invitation.accept", invitation, after={"email": invitation.email} | role, now=now
    )
    return membership


@transaction.atomic
def add_member(
    tenant: Tenant, user: User, role: str, actor: ActorContext, *, now: datetime
) -> Membership:
    """Return the new membership. Raises MembershipRejected when the user has one already."""
    lock_tenant(tenant)
    membership, created = Membership.unscoped.get_or_create(
        tenant=tenant, user=user, defaults={"role": role}
    )
    if not created:
        raise MembershipRejected(
            gettext("This person is already a member of the tenant."), field="email"
        )
    after = {"email": user.email, "role": role}
    audit_membership_change(actor, "membership.create", membership, after=after, now=now)
    return membership


@transaction.atomic
def change_member_role(
    membership: Membership, actor: ActorContext, *, role: str, now: datetime
) -> Membership:
    lock_tenant(membership.tenant)
    membership.refresh_from_db(fields=["role"])
    before = membership.role
    if before == role:
        return membership
    _require_other_owner(membership)
    membership.role = role
    membership.save(update_fields=["role"])
    member = {"email": membership.user.email}
    audit_membership_change(
        actor,
        "membership.change_role",
        membership,
        before=member | {"role": before},
        after={"role": role},
        now=now,
    )
    return membership


@transaction.atomic
def remove_member(membership: Membership, actor: ActorContext, *, now: datetime) -> Membership:
    lock_tenant(membership.tenant)
    _require_other_owner(membership)
    member = {"email": membership.user.email, "role": membership.role}
    audit_membership_change(actor, "membership.remove", membership, before=member, now=now)
    membership.delete()
    report_member_left(membership.tenant, membership.user, now=now)
    return membership


def report_member_left(tenant: Tenant, user: User, *, now: datetime) -> None:
    """Call the functions of MEMBER_LEFT, in the transaction that ends a membership."""
    for report in MEMBER_LEFT:
        report(tenant, user, now=now)


@transaction.atomic
def report_user_left(user: User, *, now: datetime) -> None:
    """Report that a user can no longer sign in, to all tenants of which they are a member."""
    for membership in user.memberships.select_related("tenant"):
        report_member_left(membership.tenant, user, now=now)


def _require_other_owner(membership: Membership) -> None:
    """Raise MembershipRejected when this is the only owner."""
    owners = find_owners(membership.tenant)
    if set(owners.values_list("pk", flat=True)) == {membership.pk}:
        raise MembershipRejected(last_owner_message())


def lock_tenants_and_require_other_owner(user: User) -> None:
    """Lock the tenants that the user owns.

    Raises MembershipRejected when one of them has no other owner who can sign in.
    """
    for tenant in find_owned_tenants(user):
        lock_tenant(tenant)
    if tenants := find_solely_owned_tenants(user):
        names = ", ".join(tenant.name for tenant in tenants)
        raise MembershipRejected(
            f"{last_owner_message()} {gettext('This person is the only owner of:')} {names}."
        )


def find_solely_owned_tenants(user: User) -> list[Tenant]:
    """Return a queryset of the user's tenants that have no other owner who can sign in."""
    return [
        tenant
        for tenant in find_owned_tenants(user)
        if not find_owners(tenant).exclude(user=user).exists()
    ]


def find_owned_tenants(user: User) -> list[Tenant]:
    owned = (
        Membership.unscoped.filter(user=user, role=OWNER)
        .select_related("tenant")
        .order_by("tenant_id")
    )
    return [membership.tenant for membership in owned]


def find_owners(tenant: Tenant) -> models.QuerySet[Membership]:
    """Return the owners who can sign in: inactive users do not count."""
    return Membership.objects.of(tenant).filter(role=OWNER, user__is_active=True)


def last_owner_message() -> str:
    return gettext("A tenant needs at least one owner. Make another person an owner first.")


def audit_membership_change(
    actor: ActorContext, verb: str, obj: Scoped, *, now: datetime, **changes: Any
) -> None:
    actor.audit(verb, obj, now=now, **changes)
