"""The pages of who belongs to a tenant."""

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from hub.audit import AuditRow
from hub.db.clock import clock
from tenants.models import Membership
from tests.tenants.door import PASSWORD, sign_in

pytestmark = pytest.mark.django_db

MEMBERS = "/t/acme/members/"
INVITE = "/t/acme/members/invite"


@pytest.fixture
def owner(make, acme):
    user = make.user("ann@acme.test", name="Ann")
    make.membership(acme, user, "owner")
    return user


@pytest.fixture
def bob(make, acme):
    return make.membership(acme, make.user("bob@acme.test", name="Bob"))


@pytest.fixture
def as_owner(client, owner):
    """Signed in just now."""
    sign_in(client, owner.email)
    return client


def page_of(name, row):
    page = "member" if isinstance(row, Membership) else "invitation"
    return reverse(f"portal:{page}_do", args=["acme", row.public_id, name])


def test_the_page_that_asks_for_a_role_begins_with_the_present_one(as_owner, bob):
    Membership.unscoped.filter(pk=bob.pk).update(role="admin")
    page = as_owner.get(page_of("change_role", bob)).content.decode()
    assert '<option value="admin" selected>' in page


def test_an_owner_who_leaves_chooses_another_organisation(as_owner, owner, bob, acme):
    Membership.unscoped.filter(pk=bob.pk).update(role="owner")
    own = Membership.unscoped.get(user=owner)
    assert as_owner.post(page_of("remove", own)).url == reverse("people:tenants")
    assert not Membership.unscoped.filter(user=owner).exists()


def test_members_look_and_only_owners_decide(client, owner, bob, make, acme):
    invitation = make.invitation(acme, "new@acme.test")
    client.force_login(bob.user)
    page = client.get(MEMBERS).content.decode()
    assert "ann@acme.test" in page and "new@acme.test" in page
    assert "<select" not in page and "Send the invitation" not in page
    decisions = [
        INVITE,
        page_of("change_role", bob),
        page_of("remove", bob),
        page_of("send_again", invitation),
        page_of("revoke", invitation),
    ]
    for url in decisions:
        assert client.post(url, {"role": "owner", "email": "x@acme.test"}).status_code == 403
    assert not AuditRow.objects.exclude(verb="invitation.create").exists()


def test_an_owner_changes_a_role(as_owner, bob):
    page = as_owner.post(page_of("change_role", bob), {"role": "admin"}, follow=True)
    bob.refresh_from_db()
    assert bob.role == "admin"
    assert "The role of Bob has been changed." in page.content.decode()
    as_owner.post(page_of("change_role", bob), {"role": "emperor"})
    assert AuditRow.objects.get().actor_label == "ann@acme.test"


def test_a_removed_member_sees_nothing_any_more(as_owner, bob, client, django_user_model):
    assert (
        "Bob: Remove from this organisation"
        in as_owner.get(page_of("remove", bob)).content.decode()
    )
    as_owner.post(page_of("remove", bob))
    client.force_login(bob.user)
    assert client.get(MEMBERS).status_code == 404
    assert django_user_model.objects.filter(email="bob@acme.test").exists()


def test_the_last_owner_reads_why_they_stay(as_owner, owner, acme):
    own = acme.memberships.get(user=owner)
    for name in ("remove", "change_role"):
        page = as_owner.post(page_of(name, own), {"role": "member"}, follow=True)
        assert "needs at least one owner" in page.content.decode()
    assert acme.memberships.get().role == "owner"


def test_an_old_session_shows_again_who_it_is(client, owner, bob):
    client.force_login(owner)
    response = client.post(page_of("change_role", bob), {"role": "admin"})
    assert response.url.startswith(reverse("account_reauthenticate"))
    bob.refresh_from_db()
    assert bob.role == "member"
    client.post(response.url, {"password": PASSWORD})  # and the act goes on by itself
    bob.refresh_from_db()
    assert bob.role == "admin"


def test_invitations_are_taken_back(as_owner, make, acme):
    invitation = make.invitation(acme, "new@acme.test")
    as_owner.post(page_of("revoke", invitation))
    again = as_owner.post(page_of("revoke", invitation), follow=True)
    assert "no longer valid" in again.content.decode()
    assert "new@acme.test" not in as_owner.get(MEMBERS).content.decode()


def test_a_wrong_invitation_says_why(as_owner, bob):
    for said, why in (
        ({"email": "bob@acme.test", "role": "member"}, "is already a member of the tenant"),
        ({"email": "no address", "role": "member"}, "valid email address"),
        ({"email": "x@acme.test", "role": "emperor"}, "valid choice"),
    ):
        assert why in as_owner.post(INVITE, said).content.decode()


def test_ids_of_another_tenant_are_not_found(as_owner, make, globex):
    member = make.membership(globex, make.user())
    invitation = make.invitation(globex)
    for name, row in (
        ("change_role", member),
        ("remove", member),
        ("send_again", invitation),
        ("revoke", invitation),
    ):
        assert as_owner.post(page_of(name, row), {"role": "owner"}).status_code == 404


def test_a_member_of_two_tenants_chooses(client, owner, make, globex):
    client.force_login(owner)
    assert client.get("/").url == "/t/acme/"
    make.membership(globex, owner)
    assert client.get("/").url == "/t/"
    page = client.get("/t/").content.decode()
    assert 'href="/t/acme/"' in page and 'href="/t/globex/"' in page
    assert 'href="/t/"' in client.get(MEMBERS).content.decode()


def test_a_user_without_a_tenant_reads_what_to_do(client, make):
    client.force_login(make.user())
    assert "do not belong to an organisation" in client.get("/", follow=True).content.decode()


def test_staff_begin_in_the_admin_and_strangers_at_the_sign_in(client, make):
    assert client.get("/").url.startswith(reverse("account_login"))
    client.force_login(make.staff())
    assert client.get("/").url == reverse("admin:index")


def test_more_people_cost_no_more_queries(as_owner, make, acme):
    def asked(url):
        clock()
        with CaptureQueriesContext(database) as queries:
            assert as_owner.get(url).status_code == 200
        return len(queries)

    before = asked(MEMBERS), asked("/t/")
    for _ in range(5):
        make.membership(acme, make.user())
        make.invitation(acme)
        make.membership(make.tenant(), acme.memberships.get(role="owner").user)
    assert (asked(MEMBERS), asked("/t/")) == before == (5, 3)


def test_what_people_are_called_stays_text(as_owner, make, acme):
    make.membership(acme, make.user(name='"><img src=x onerror=alert(1)>'))
    assert "<img src=x" not in as_owner.get(MEMBERS).content.decode()
