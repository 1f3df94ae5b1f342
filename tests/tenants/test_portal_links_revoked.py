"""Portal links are listed and taken back, and with them the visit that they began."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from hub.audit import AuditRow
from hub.db.clock import clock
from tenants.models import PortalLink
from tests.tenants.door import come_as_guest

pytestmark = pytest.mark.django_db

URL = "/api/v1/portal-links"
MEMBERS = "/t/acme/members/"


def link_url(row):
    return f"{URL}/{row.public_id}"


def test_they_are_listed_with_what_became_of_each_and_without_their_addresses(
    api, make, acme, globex
):
    came_in = make.portal_link(acme, name="Ann")
    come_as_guest(Client(), came_in)
    make.portal_link(acme, now=clock() - timedelta(minutes=6))
    make.portal_link(acme)
    make.portal_link(globex)
    answer = api.of(acme, ["portal-links:read"]).get(URL)
    assert [row["state"] for row in answer.json()["items"]] == ["pending", "expired", "visiting"]
    assert (
        came_in.token not in answer.content.decode() and answer.json()["items"][2]["name"] == "Ann"
    )
    assert api.of(acme).get(link_url(came_in)).json()["used_at"]


def test_a_link_that_was_taken_back_leads_nowhere(client, api, make, acme):
    link = make.portal_link(acme)
    assert api.of(acme).delete(link_url(link)).json()["state"] == "revoked"
    assert client.get(f"/enter/{link.token}/").status_code == 404
    assert come_as_guest(client, link).status_code == 404
    assert AuditRow.objects.get(verb="portal_link.revoke").before == {"used": False}


def test_who_came_in_by_it_is_shown_out_at_once(guest, api, acme):
    assert guest.get(MEMBERS).status_code == 200
    assert api.of(acme).delete(link_url(PortalLink.unscoped.get())).status_code == 200
    for answer in (guest.get(MEMBERS), guest.post("/t/acme/links/", {"connector": "webhook"})):
        assert answer.status_code == 403 and b"Your session has ended" in answer.content
    assert b'href="https://app.example.com/back"' in guest.get(MEMBERS).content


def test_another_visit_of_the_same_person_goes_on(guest, api, make, acme):
    api.of(acme).delete(link_url(make.portal_link(acme, name="Ann")))
    assert guest.get(MEMBERS).status_code == 200


def test_what_has_ended_is_not_taken_back(api, make, acme):
    over, used = make.portal_link(acme, now=clock() - timedelta(minutes=6)), make.portal_link(acme)
    PortalLink.unscoped.filter(pk=used.pk).update(used_at=clock() - timedelta(minutes=61))
    for link in (over, used):
        assert api.of(acme).delete(link_url(link)).json()["code"] == "wrong-state"
    assert not PortalLink.unscoped.exclude(revoked_at=None).exists()


def test_twice_is_refused(api, make, acme):
    link = make.portal_link(acme)
    assert [api.of(acme).delete(link_url(link)).status_code for _ in range(2)] == [200, 409]


def test_another_tenants_key_takes_nothing_back(api, make, acme, globex):
    link = make.portal_link(acme)
    assert api.of(globex).delete(link_url(link)).status_code == 404
    assert api.of(globex).get(link_url(link)).status_code == 404


def test_staff_take_one_back(guest, make):
    staff = Client()
    staff.force_login(make.staff(is_superuser=True))
    link = PortalLink.unscoped.get()
    assert "visiting" in staff.get("/admin/tenants/portallink/").content.decode()
    staff.post(reverse("admin:tenants_portallink_verb", args=[link.pk, "revoke"]))
    assert guest.get(MEMBERS).status_code == 403


@pytest.mark.parametrize("link", ["", "01890000-0000-7000-8000-000000000000"])
def test_a_guest_of_an_unknown_link_reads_where_to_continue(guest, link):
    """Such as whoever visits while the hub is upgraded from a version that did not note the
    link.
    """
    session = guest.session
    session["visiting"] |= {"link": link}
    session.save()
    page = guest.get(MEMBERS)
    assert page.status_code == 403 and b"open the connections again." in page.content
    assert b'href="https://app.example.com/back"' in page.content
