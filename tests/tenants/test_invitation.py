"""From the mail that invites somebody to a membership."""

from datetime import timedelta

import pytest
from django.contrib.auth import get_user
from django.db import connection
from django.test import Client
from django.urls import reverse

from hub.db.clock import clock
from tenants.models import Invitation, Membership, User
from tests.fakes import MailServer
from tests.mails import deliver_mails, get_mailed_link
from tests.markup import normalize_markup
from tests.tenants.door import PASSWORD, sign_in

pytestmark = pytest.mark.django_db

SIGNUP = reverse("account_signup")
MEMBERS = reverse("people:members", args=["acme"])
INVITE = reverse("portal:tenant_do", args=["acme"])
SAID = {"name": "Bob", "password1": "battery staple 9"}


@pytest.fixture
def owner(make, acme):
    user = make.user("ann@acme.test", name="Ann")
    make.membership(acme, user, "owner")
    return user


@pytest.fixture
def invitation(make, acme, owner):
    return make.invitation(acme, "bob@acme.test", "admin", by=owner)


def link(invitation):
    return reverse("people:invitation", args=[invitation.token])


def test_from_the_owners_page_to_the_home_of_the_tenant(client, owner, acme):
    sign_in(client, owner.email)
    client.post(
        reverse("portal:tenant_do", args=["acme"]), {"email": "bob@acme.test", "role": "admin"}
    )
    (letter,) = deliver_mails()
    assert (letter.to, letter.subject) == (["bob@acme.test"], "Ann invites you to Acme")
    bob = Client()
    link = get_mailed_link()
    assert "Create an account and accept" in bob.get(link).content.decode()
    form = bob.post(link, follow=True)
    assert 'value="bob@acme.test"' in form.content.decode()
    bob.post(SIGNUP, SAID)
    assert get_user(bob).email == "bob@acme.test"
    assert Membership.objects.of(acme).get(user__email="bob@acme.test").role == "admin"
    assert bob.get("/").url == "/t/acme/"
    assert len(deliver_mails()) == 1  # nothing is left to be confirmed


def test_the_invited_address_is_the_only_one(client, invitation):
    client.post(link(invitation))
    client.post(f"{SIGNUP}?email=mallory@evil.test", SAID | {"email": "mallory@evil.test"})
    assert get_user(client).email == "bob@acme.test"
    assert not User.objects.filter(email__contains="evil").exists()


def test_an_invited_user_with_an_account_signs_in_and_accepts(client, make, invitation, acme):
    bob = make.user("bob@acme.test")
    step = client.post(link(invitation))
    assert step.url.startswith(reverse("account_login"))
    assert sign_in(client, bob.email, said={"next": link(invitation)}).url == link(invitation)
    assert client.post(link(invitation)).url == "/t/acme/"
    assert Membership.objects.of(acme).filter(user=bob).exists()


def test_another_user_cannot_accept(client, make, invitation, acme):
    mallory = make.user("mallory@evil.test")
    client.force_login(mallory)
    assert "You are signed in as mallory@evil.test" in client.get(link(invitation)).content.decode()
    client.post(link(invitation))
    assert not Membership.objects.of(acme).filter(user=mallory).exists()
    assert Invitation.unscoped.get().accepted_at is None


def test_nothing_is_accepted_by_looking(client, make, invitation, acme):
    client.force_login(make.user("bob@acme.test"))
    client.get(link(invitation))
    assert acme.memberships.count() == 1


def end_invitation(invitation, how):
    Invitation.unscoped.filter(pk=invitation.pk).update(**{how: clock() - timedelta(seconds=1)})


@pytest.mark.parametrize("how", ["accepted_at", "revoked_at", "expires_at"])
def test_what_has_ended_leads_nowhere(client, invitation, how):
    client.post(link(invitation))
    end_invitation(invitation, how)
    for answer in (client.get(link(invitation)), client.post(link(invitation))):
        assert answer.status_code == 404
        assert "Acme" not in answer.content.decode()
    assert (
        "by invitation" in client.post(SIGNUP, SAID).content.decode()
    )  # though it was open when it was begun
    assert not User.objects.filter(email="bob@acme.test").exists()


def test_an_unknown_token_reads_like_one_that_has_ended(client, invitation):
    end_invitation(invitation, "revoked_at")
    answers = [
        client.get(reverse("people:invitation", args=[token]))
        for token in (invitation.token, "x" * 43)
    ]
    assert len({answer.content for answer in answers}) == 1


def test_an_account_that_cannot_accept_is_not_made(client, invitation):
    """Somebody is first between the form and its answer."""
    client.post(link(invitation))
    page = client.get(SIGNUP)
    assert page.status_code == 200
    User.objects.create_user("bob@acme.test", "first one 9")  # by another way, meanwhile
    client.post(SIGNUP, SAID, follow=True)
    assert User.objects.filter(email="bob@acme.test").count() == 1
    assert Invitation.unscoped.get().accepted_at is None


def test_of_two_who_sign_up_at_the_same_moment_one_is_sent_to_sign_in(client, make, invitation):
    """The other account is written between this one's check of the form and its INSERT."""
    others = []

    def another_is_first(execute, sql, *rest):
        if sql.startswith('INSERT INTO "tenants_user"') and not others:
            others.append(True)
            make.user("bob@acme.test")
        return execute(sql, *rest)

    client.post(link(invitation))
    with connection.execute_wrapper(another_is_first):
        answer = client.post(SIGNUP, SAID)
    assert others and answer.url == reverse("account_login")
    assert not Membership.unscoped.filter(user__email="bob@acme.test").exists()


def test_a_dead_mail_server_loses_no_invitation(client, owner, acme):
    sign_in(client, owner.email)
    page = client.post(
        INVITE, {"email": "bob@acme.test", "role": "member"}, follow=True
    ).content.decode()
    assert "being sent to bob@acme.test" in page and "The e-mail is being sent." in page
    deliver_mails(MailServer(MailServer.AWAY))
    page = normalize_markup(client.get(MEMBERS).content.decode())
    assert "The e-mail could not be sent. The mail server could not be reached" in page
    deliver_mails(at=clock() + timedelta(minutes=2))
    invitation = acme.invitations.get()
    assert invitation.sent_at and not invitation.mail_reason
    assert "Not accepted yet; valid until" in client.get(MEMBERS).content.decode()


def test_an_address_that_no_server_takes_is_shown_to_the_owner(client, owner, invitation):
    deliver_mails(MailServer(MailServer.REFUSES))
    client.force_login(owner)
    assert "Most often the address does not exist" in client.get(MEMBERS).content.decode()


def test_what_was_taken_back_or_asked_anew_is_not_mailed(client, owner, invitation):
    sign_in(client, owner.email)
    Invitation.unscoped.update(asked_at=clock() - timedelta(minutes=2))
    client.post(reverse("portal:invitation_do", args=["acme", invitation.public_id, "send_again"]))
    assert len(deliver_mails()) == 1
    assert invitation.token not in deliver_mails()[0].body
    client.post(INVITE, {"email": "carol@acme.test", "role": "member"})
    client.post(
        reverse(
            "portal:invitation_do",
            args=["acme", Invitation.unscoped.get(email="carol@acme.test").public_id, "revoke"],
        )
    )
    assert len(deliver_mails()) == 1


def test_without_mail_there_are_no_invitations(client, owner, settings, acme):
    settings.HUB_EMAIL_URL = ""
    sign_in(client, owner.email)
    page = client.post(INVITE, {"email": "bob@acme.test", "role": "member"})
    assert "E-mail is not set up" in page.content.decode()
    assert not acme.invitations.exists()


def test_the_link_is_made_of_our_own_address(client, owner):
    sign_in(client, owner.email)
    data = {"email": "bob@acme.test", "role": "member"}
    client.post(
        reverse("portal:tenant_do", args=["acme"]), data, HTTP_X_FORWARDED_HOST="evil.example"
    )
    assert "evil" not in str(deliver_mails()[0].message())


def test_an_old_session_shows_again_who_it_is_before_anybody_is_invited(client, owner, acme):
    client.force_login(owner)
    response = client.post(INVITE, {"email": "mallory@evil.test", "role": "owner"})
    assert (
        response.url.startswith(reverse("account_reauthenticate")) and not acme.invitations.exists()
    )
    client.post(response.url, {"password": PASSWORD})  # and the act goes on by itself
    assert acme.invitations.get().email == "mallory@evil.test"


def test_the_token_is_kept_nowhere(client, invitation):
    client.post(link(invitation))
    assert invitation.token not in str(dict(client.session))
    assert "no-store" in client.get(link(invitation)).headers["Cache-Control"]
