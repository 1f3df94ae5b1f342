"""Who belongs to a tenant: the verbs."""

import os
from datetime import timedelta
from functools import partial

import pytest

from hub.audit import ActorContext, AuditRow
from hub.limits.definitions import LIMITS
from hub.limits.exceeded import LimitExceeded
from tenants.api_key_format import digest_token
from tenants.models import Invitation, Membership
from tenants.services import membership_actions
from tenants.services.membership_actions import MembershipRejected
from tests.factories import MINUTE, NOON
from tests.mails import token_of

pytestmark = pytest.mark.django_db

WEEK = timedelta(days=7)


@pytest.fixture
def owner(make, acme):
    return make.membership(acme, make.user("ann@acme.test", name="Ann"), "owner")


@pytest.fixture
def actor(owner):
    return ActorContext.of_user(owner.user)


@pytest.fixture
def ask(acme, actor):
    def ask(email="bob@acme.test", role="member", now=NOON, tenant=acme):
        return membership_actions.invite_member(
            tenant, actor, email=email, role=role, random=os.urandom, now=now
        )

    return ask


@pytest.fixture
def bob(make):
    return make.user("bob@acme.test")


def list_audited():
    return list(
        AuditRow.objects.order_by("id").values_list("verb", "actor_label", "tenant_reference")
    )


def test_an_invitation_keeps_the_digest_of_its_token_and_lasts_a_week(ask):
    invitation = ask("  Bob@ACME.test ")
    token = token_of(invitation)
    assert (invitation.email, invitation.inviter, invitation.role) == (
        "bob@acme.test",
        "Ann",
        "member",
    )
    assert (invitation.digest, invitation.expires_at) == (digest_token(token), NOON + WEEK)
    assert token not in str(Invitation.unscoped.values().get())
    assert len(token) >= 43
    assert list_audited() == [("invitation.create", "ann@acme.test", "acme")]


def test_it_is_accepted_once(ask, bob, actor, acme):
    invitation = ask(role="admin")
    membership_actions.accept_invitation(invitation, bob, actor, now=NOON)
    assert Membership.objects.of(acme).get(user=bob).role == "admin"
    with pytest.raises(MembershipRejected, match="no longer valid"):
        membership_actions.accept_invitation(invitation, bob, actor, now=NOON)
    assert [verb for verb, *_ in list_audited()] == ["invitation.create", "invitation.accept"]


def test_an_invitation_is_not_accepted_for_another_address(ask, make, actor):
    with pytest.raises(MembershipRejected, match="another e-mail"):
        membership_actions.accept_invitation(ask(), make.user("mallory@acme.test"), actor, now=NOON)


def test_an_expired_or_revoked_invitation_is_not_accepted(ask, bob, actor):
    late = ask()
    with pytest.raises(MembershipRejected, match="no longer valid"):
        membership_actions.accept_invitation(late, bob, actor, now=NOON + WEEK)
    membership_actions.revoke_invitation(late, actor, now=NOON)
    with pytest.raises(MembershipRejected, match="no longer valid"):
        membership_actions.accept_invitation(late, bob, actor, now=NOON)
    with pytest.raises(MembershipRejected, match="no longer valid"):
        membership_actions.revoke_invitation(late, actor, now=NOON)
    assert not Membership.unscoped.filter(user=bob).exists()


def test_an_existing_member_keeps_the_role(ask, bob, actor, make, acme):
    invitation = ask(role="member")
    make.membership(acme, bob, "owner")
    assert membership_actions.accept_invitation(invitation, bob, actor, now=NOON).role == "owner"


def test_members_and_invited_people_are_not_invited_again(ask, owner):
    ask()
    with pytest.raises(MembershipRejected, match="already been invited"):
        ask("BOB@acme.test")
    with pytest.raises(MembershipRejected, match="already a member of the tenant"):
        ask("ann@acme.test")


def test_an_invitation_that_has_ended_makes_place_for_another(ask, actor):
    first = ask()
    token = token_of(first)
    second = ask(role="admin", now=NOON + WEEK)
    assert (second.pk, second.role, second.expires_at) == (first.pk, "admin", NOON + 2 * WEEK)
    assert token_of(second) != token
    membership_actions.revoke_invitation(second, actor, now=NOON)
    assert ask().pk != first.pk


def test_sent_again_the_link_before_is_worth_nothing(ask, actor):
    invitation = ask()
    token = token_of(invitation)
    with pytest.raises(MembershipRejected, match="Wait a minute"):
        membership_actions.resend_invitation(invitation, actor, random=os.urandom, now=NOON)
    membership_actions.resend_invitation(invitation, actor, random=os.urandom, now=NOON + MINUTE)
    assert not Invitation.unscoped.filter(digest=digest_token(token)).exists()
    assert (
        Invitation.unscoped.get(digest=digest_token(token_of(invitation))).expires_at
        == NOON + MINUTE + WEEK
    )
    membership_actions.revoke_invitation(invitation, actor, now=NOON)
    with pytest.raises(MembershipRejected, match="no longer valid"):
        membership_actions.resend_invitation(
            invitation, actor, random=os.urandom, now=NOON + 2 * MINUTE
        )


def test_invitations_cannot_flood_a_person(ask, globex):
    for number in range(LIMITS["invitations"].quota):
        ask(f"person{number}@acme.test")
    with pytest.raises(LimitExceeded, match="Invitations per hour: at most 50"):
        ask("one.more@acme.test")
    ask("one.more@acme.test", tenant=globex)
    ask("one.more@acme.test", now=NOON + timedelta(hours=2))


def test_a_changed_role_is_audited(owner, make, acme, bob, actor):
    member = make.membership(acme, bob)
    membership_actions.change_member_role(member, actor, role="admin", now=NOON)
    membership_actions.change_member_role(member, actor, role="admin", now=NOON)
    act = AuditRow.objects.get()
    assert (act.before, act.after) == (
        {"email": "bob@acme.test", "role": "member"},
        {"role": "admin"},
    )


def test_the_last_owner_stays(owner, make, acme, actor):
    for verb in (
        membership_actions.remove_member,
        partial(membership_actions.change_member_role, role="admin"),
    ):
        with pytest.raises(MembershipRejected, match="at least one owner"):
            verb(owner, actor, now=NOON)
    membership = make.membership(acme, make.user(is_active=False), "owner")  # cannot sign in
    with pytest.raises(MembershipRejected, match="at least one owner"):
        membership_actions.remove_member(owner, actor, now=NOON)
    membership_actions.remove_member(membership, actor, now=NOON)
    make.membership(acme, make.user(), "owner")
    membership_actions.remove_member(owner, actor, now=NOON)
    assert list_audited()[-1][0] == "membership.remove"


def test_owners_of_other_tenants_do_not_count(owner, make, globex, actor):
    make.membership(globex, make.user(), "owner")
    with pytest.raises(MembershipRejected, match="at least one owner"):
        membership_actions.remove_member(owner, actor, now=NOON)
