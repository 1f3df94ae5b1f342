"""Connect links are made, listed and taken back, by pages, programs and staff."""

from datetime import timedelta

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from hub.connections.connecting.connect_links import OPEN_LINKS_MAX
from hub.connections.models import ConnectLink
from hub.db.clock import clock
from tests.factories import NOON

pytestmark = pytest.mark.django_db

LINKS = "/t/acme/links/"


def state(link):
    return ConnectLink.unscoped.get(pk=link.pk).state(clock())


def test_an_admin_makes_one_and_sees_its_address_once(browser, acme):
    page = browser.client.post(LINKS, {"connector": "slack"})
    address = page.context["address"]
    assert address.startswith("https://hub.test/connect/link/") and address in page.content.decode()
    assert address not in browser.client.get(LINKS).content.decode()
    assert Client().get(address.removeprefix("https://hub.test")).status_code == 200


def test_the_list_says_what_became_of_each(browser, make, acme):
    make.connect_link(acme, "slack")
    make.connect_link(acme, "slack", now=clock() - timedelta(days=2))
    page = browser.client.get(LINKS).content.decode()
    assert "not opened yet" in page and "expired" in page and "Revoke" in page


def test_the_page_asks_the_same_number_of_statements_however_many_there_are(browser, make, acme):
    make.connect_link(acme, "slack")
    few = statements(browser)
    for _ in range(5):
        make.connect_link(acme, "slack")
    assert statements(browser) == few == 6


def test_the_pages_of_a_guest_ask_few_statements(make, guest, outside, acme):
    link = make.connect_link(acme)
    assert statements(guest, f"/connect/link/{link.token}/") == 1
    guest.opens(link)
    assert [statements(guest, f"/connect/link/{page}") for page in ("", "fill-in/", "done/")] == [
        2,
        2,
        1,
    ]


def statements(browser, url=LINKS):
    with CaptureQueriesContext(database) as queries:
        assert browser.client.get(url).status_code == 200
    return len(queries)


def test_what_is_not_set_up_is_not_asked_for(make, acme, api):
    answer = api.of(acme).post("/api/v1/connect-links", {"connector": "slack"}, "json")
    assert answer.status_code == 409 and not ConnectLink.unscoped.exists()


def test_a_program_makes_one_lists_it_and_takes_it_back(api, acme, outside):
    client = api.of(acme)
    response = client.post("/api/v1/connect-links", {"connector": "slack"}, "json")
    assert response.status_code == 201
    assert Client().get(response.json()["url"].removeprefix("https://hub.test")).status_code == 200
    listed = client.get("/api/v1/connect-links").json()["items"]
    assert [(one["id"], one["state"]) for one in listed] == [(response.json()["id"], "pending")]
    assert "url" not in listed[0]
    assert (
        client.delete(f"/api/v1/connect-links/{response.json()['id']}").json()["state"] == "revoked"
    )
    assert client.get(f"/api/v1/connect-links/{response.json()['id']}").json()["state"] == "revoked"
    assert client.delete(f"/api/v1/connect-links/{response.json()['id']}").status_code == 409


def test_a_connection_of_another_system_is_not_connected_again_by_it(make, api, acme, outside):
    data = {"connector": "slack", "connection": str(make.connection(acme).public_id)}
    assert api.of(acme).post("/api/v1/connect-links", data, "json").status_code == 409


@pytest.mark.parametrize("connector", ["app", "nothing", ""])
def test_a_connector_that_is_not_offered(api, acme, connector):
    assert api.of(acme).post(
        "/api/v1/connect-links", {"connector": connector}, "json"
    ).status_code in (400, 422)


def test_staff_make_one_on_the_tenants_behalf(client, make, acme, outside):
    client.force_login(make.staff(is_superuser=True))
    assert (
        f"connectlink/add/?tenant={acme.pk}"
        in client.get(f"/admin/tenants/tenant/{acme.pk}/change/").content.decode()
    )
    page = client.post(
        "/admin/connections/connectlink/add/", {"tenant": acme.pk, "connector": "slack"}
    )
    assert page.context["text"].startswith("https://hub.test/connect/link/")
    row = ConnectLink.unscoped.get()
    client.post(f"/admin/connections/connectlink/{row.pk}/verbs/revoke/")
    assert state(row) == "revoked"


# --- how many ---


@pytest.fixture
def full(make, acme, outside):
    for _ in range(OPEN_LINKS_MAX):
        make.connect_link(acme, "slack")
    return acme


def test_there_are_so_many_open_ones_at_a_time(full, api, browser, make):
    answer = api.of(full).post("/api/v1/connect-links", {"connector": "slack"}, "json")
    assert (answer.status_code, answer.json()["code"]) == (409, "too-many-links")
    assert answer.headers["Content-Type"] == "application/problem+json"
    page = browser.client.post(LINKS, {"connector": "slack"})
    assert "100 connect links are open already" in page.content.decode()
    assert ConnectLink.unscoped.count() == OPEN_LINKS_MAX
    assert make.connect_link(make.tenant("globex"), "slack")


@pytest.mark.parametrize("ends", [{"used_at": NOON}, {"revoked_at": NOON}, {"expires_at": NOON}])
def test_what_has_ended_makes_room(full, make, ends):
    ConnectLink.unscoped.filter(pk=ConnectLink.unscoped.earliest("pk").pk).update(**ends)
    assert make.connect_link(full, "slack")
