"""Our own application's people come in by a link: once, for an hour, to one tenant, as admin at
most.
"""

from datetime import timedelta

import pytest
from django.test import Client

from hub.audit import AuditRow
from hub.db.clock import clock
from tenants.models import Invitation, PortalLink
from tenants.services.portal_link_actions import is_allowed_return_url
from tests.tenants.door import come_as_guest

pytestmark = pytest.mark.django_db

URL = "/api/v1/portal-links"
WANTED = {"tenant": "acme", "user": "u-7", "role": "admin"}
MEMBERS = "/t/acme/members/"


@pytest.fixture(autouse=True)
def allowed_return_url(settings):
    settings.HUB_PORTAL_RETURN_URLS = ["https://app.example.com"]


def path_of(answer):
    return answer.json()["url"].removeprefix("https://hub.test")


def end_visit(client, **by):
    """The visit of this browser began earlier than it did."""
    session = client.session
    session["visiting"] |= {"until": (clock() - timedelta(**by)).isoformat()}
    session.save()


# --- the way in ---


def test_our_application_sends_a_person_to_a_tenants_pages(client, api, acme):
    answer = api.platform(["portal-links:write"]).post(URL, WANTED | {"name": "Ann"}, "json")
    assert answer.status_code == 201
    assert b"Ann" in client.get(path_of(answer)).content
    assert client.post(path_of(answer)).headers["Location"] == "/t/acme/"
    page = client.get(MEMBERS)
    assert page.status_code == 200 and b"Ann" in page.content


def test_a_tenants_own_key_sends_to_its_own_pages(client, api, acme):
    answer = api.of(acme, ["portal-links:write"]).post(
        URL, {"user": "u-7", "role": "member"}, "json"
    )
    client.post(path_of(answer))
    assert client.get(MEMBERS).status_code == 200


def test_looking_uses_nothing_up(client, make, acme):
    url = f"/enter/{make.portal_link(acme).token}/"
    for _ in range(3):
        Client().get(url)
        Client().head(url)
    assert client.post(url).status_code == 302


def test_a_link_that_was_used(make, acme):
    link = make.portal_link(acme)
    assert come_as_guest(Client(), link).status_code == 302
    second = Client()
    assert come_as_guest(second, link).status_code == 404
    assert second.get(MEMBERS).status_code == 302


def test_a_link_that_is_five_minutes_old(client, make, acme):
    link = make.portal_link(acme, now=clock() - timedelta(minutes=5))
    assert client.get(f"/enter/{link.token}/").status_code == 404
    assert come_as_guest(client, link).status_code == 404
    assert client.get(MEMBERS).status_code == 302


def test_an_unknown_link(client, db):
    for token in ("x" * 43, "%00", "ü"):
        assert client.post(f"/enter/{token}/").status_code == 404


def test_the_token_is_kept_nowhere(make, acme):
    link = make.portal_link(acme)
    row = str(PortalLink.unscoped.values().get()) + str(list(AuditRow.objects.values()))
    assert link.token not in row


def test_the_address_is_not_disclosed(client, make, acme):
    page = client.get(f"/enter/{make.portal_link(acme).token}/")
    assert page.headers["Referrer-Policy"] == "strict-origin"
    assert "no-store" in page.headers["Cache-Control"]


def test_the_way_in_works_with_the_check_of_forms(make, acme):
    client = Client(enforce_csrf_checks=True)
    url = f"/enter/{make.portal_link(acme).token}/"
    assert client.post(url).status_code == 403
    client.get(url)
    data = {"csrfmiddlewaretoken": client.cookies["csrftoken"].value}
    assert client.post(url, data, headers={"Origin": "https://hub.test"}).status_code == 302


# --- where it does not lead ---


@pytest.mark.parametrize(
    "url",
    [
        "https://app.example.com.evil.example/",
        "https://app.example.com@evil.example/",
        "https://app.example.com:444/",
        "https://app.example.com\\@evil.example",
        "http://app.example.com/",
        "https://app.example.com\t/",
        "//app.example.com/",
        "javascript:alert(1)//https://app.example.com/",
        "/t/acme/",
        "https://APP.example.com%2eevil.example/",
    ],
)
def test_a_return_url_that_is_not_ours(api, acme, url):
    answer = api.platform().post(URL, WANTED | {"return_url": url}, "json")
    assert answer.status_code == 422 or answer.json()["code"] == "validation-failed"
    assert not is_allowed_return_url(url) and not PortalLink.unscoped.exists()


@pytest.mark.parametrize("after", ["", "/", "/a/b?c=d#e", "?c", "#e"])
def test_a_return_url_of_ours(after, db):
    assert is_allowed_return_url(f"https://app.example.com{after}")


def test_without_a_setting_there_is_no_return_url(settings):
    settings.HUB_PORTAL_RETURN_URLS = []
    assert not is_allowed_return_url("https://app.example.com/")


def test_a_link_makes_no_owner(api, acme):
    assert (
        api.platform().post(URL, WANTED | {"role": "owner"}, "json").json()["code"]
        == "validation-failed"
    )


# --- what a guest may ---


def test_the_page_leads_back(guest):
    assert b'href="https://app.example.com/back"' in guest.get(MEMBERS).content


def test_the_pages_ask_few_statements(make, acme, guest, django_assert_num_queries):
    link = make.portal_link(acme)
    with django_assert_num_queries(1):
        Client().get(f"/enter/{link.token}/")
    with django_assert_num_queries(4):  # session, tenant, members, invitations
        guest.get(MEMBERS)


def test_a_guest_sees_the_members_and_invites_none(guest):
    page = guest.post(f"{MEMBERS}invite", {"email": "me@evil.test", "role": "admin"})
    assert page.status_code == 403 and not Invitation.unscoped.exists()


def test_a_guest_is_at_one_tenant(guest, globex):
    assert guest.get("/t/globex/members/").status_code == 404


def test_a_guest_has_no_other_pages(guest, acme):
    for url in (
        "/admin/",
        "/t/",
        "/accounts/email/",
        "/accounts/2fa/",
        "/accounts/password/change/",
    ):
        answer = guest.get(url)
        assert answer.status_code == 302 and "login" in answer.headers["Location"], url


def test_a_member_by_link_manages_nothing(client, make, acme):
    come_as_guest(client, make.portal_link(acme, "member"))
    assert client.get("/t/acme/links/").status_code == 403
    assert client.post("/t/acme/links/", {"connector": "webhook"}).status_code == 403


def test_a_guests_actions_are_audited_under_our_reference(guest):
    guest.post("/t/acme/links/", {"connector": "webhook"})
    row = AuditRow.objects.get(verb="connect_link.create")
    assert (row.actor_kind, row.actor_id, row.actor_label) == ("guest", "u-7", "Ann")


def test_after_an_hour_the_visit_is_over(guest):
    end_visit(guest, minutes=0)
    page = guest.get(MEMBERS)
    assert page.status_code == 403 and b'href="https://app.example.com/back"' in page.content
    assert guest.post("/t/acme/links/", {"connector": "webhook"}).status_code == 403


def test_the_session_itself_ends(guest):
    left = guest.session.get_expiry_date() - clock()
    assert timedelta(hours=12) < left < timedelta(hours=14)


def test_a_tenant_that_is_gone(guest, acme):
    acme.delete()
    assert "Your session has ended" in guest.get(MEMBERS).content.decode()


# --- one browser is never two people ---


def test_a_link_without_a_click_begins_no_session(client, make, acme):
    page = client.get(f"/enter/{make.portal_link(acme, name='Ann').token}/").content.decode()
    assert "You have access as Ann" in page and f"Continue to {acme}" in page
    assert "<script" not in page and "http-equiv" not in page
    assert client.get(MEMBERS).status_code == 302


def test_a_guest_reads_that_another_link_ends_their_visit(guest, make, globex):
    page = guest.get(f"/enter/{make.portal_link(globex).token}/").content.decode()
    assert "This ends the session of Ann for acme" in page
    assert guest.get(MEMBERS).status_code == 200


def test_who_is_signed_in_stays_who_they_are(client, make, acme, globex):
    person = make.membership(globex, make.user()).user
    client.force_login(person)
    link = make.portal_link(acme)
    assert person.email in come_as_guest(client, link).content.decode()
    assert client.get("/t/globex/members/").status_code == 200
    assert client.get(MEMBERS).status_code == 404
    assert PortalLink.unscoped.get().used_at is None


def test_a_guest_who_signs_in_is_a_guest_no_more(guest, make, globex):
    guest.force_login(make.membership(globex, make.user()).user)
    assert guest.get(MEMBERS).status_code == 404
    assert guest.get("/t/globex/members/").status_code == 200


def test_a_session_known_before_grants_nothing(make, acme):
    victim, attacker = Client(), Client()
    victim.get(f"/enter/{make.portal_link(acme).token}/")
    session = attacker.session
    session["planted"] = "x"
    session.save()
    victim.cookies["sessionid"] = attacker.cookies["sessionid"] = session.session_key
    come_as_guest(victim, make.portal_link(acme))
    assert victim.get(MEMBERS).status_code == 200
    assert "planted" not in victim.session
    assert attacker.get(MEMBERS).status_code == 302


def test_another_link_begins_another_visit(guest, make, globex):
    come_as_guest(guest, make.portal_link(globex, "member", reference="u-8"))
    assert guest.get("/t/globex/members/").status_code == 200
    assert guest.get(MEMBERS).status_code == 404
