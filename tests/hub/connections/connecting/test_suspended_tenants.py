"""For a tenant that is suspended nothing is connected, by whichever door somebody comes."""

import pytest

from connectors.http import Response
from hub.connections.models import Authorization, Connection, ConnectLink, Credential, Revocation
from tests.factories import NOON
from tests.hub.connections.browsers import count_connections, get_problem_code

pytestmark = pytest.mark.django_db

TOKEN = "11111111-1111-4111-8111-111111111111"


@pytest.fixture
def suspended(acme):
    acme.suspend("unpaid", now=NOON)
    return acme


@pytest.fixture
def splunk(outside):
    return {
        "name": "Our Splunk",
        "url": f"{outside.url}/splunk/acme",
        "token": TOKEN,
        "use_ack": "",
    }


def list_calls(desk):
    return [line for line in desk.ledger() if line["system"] in ("splunk", "webhook")]


@pytest.mark.parametrize("method", ["get", "post"])
def test_the_form_of_the_wizard(browser, outside, splunk, suspended, method):
    page = getattr(browser.client, method)("/t/acme/connect/splunk/fill-in/", splunk)
    assert get_problem_code(page) == "tenant_suspended" and page.status_code == 409
    assert (count_connections(), list_calls(outside)) == (0, [])


def test_the_form_of_a_connection_that_is_there(browser, make, acme, outside, splunk):
    row = make.connection(acme, "splunk")
    acme.suspend("unpaid", now=NOON)
    page = browser.client.post(f"/t/acme/connections/{row.public_id}/reconnect/", splunk)
    assert get_problem_code(page) == "tenant_suspended" and list_calls(outside) == []
    assert Credential.unscoped.get().version == 1


def test_an_endpoint_of_their_own(browser, outside, suspended):
    data = {"name": "Mine", "url": f"{outside.url}/webhook/acme/one", "types": "*", "anyway": "on"}
    assert (
        get_problem_code(browser.client.post("/t/acme/endpoints/add", data)) == "tenant_suspended"
    )
    assert (count_connections(), list_calls(outside)) == (0, [])


def test_the_form_of_a_guest(guest, make, acme, outside, splunk):
    link = make.connect_link(acme, "splunk")
    guest.opens(link)
    acme.suspend("unpaid", now=NOON)
    page = guest.client.post("/connect/link/fill-in/", splunk)
    assert get_problem_code(page) == "tenant_suspended" and b"/connect/link/" in page.content
    assert (count_connections(), list_calls(outside), ConnectLink.unscoped.get().used_at) == (
        0,
        [],
        None,
    )


def test_an_account_that_was_granted_before_is_given_back(browser, acme):
    page = browser.connect_account("slack")
    acme.suspend("unpaid", now=NOON)
    assert get_problem_code(browser.submit(page)) == "tenant_suspended"
    assert count_connections() == 0 and Revocation.unscoped.count() == 1
    assert Authorization.unscoped.get().reason == "tenant_suspended"


def test_the_api(shop, make, acme, set_system_answers):
    row = make.connection(acme, "splunk")
    acme.suspend("unpaid", now=NOON)
    http = set_system_answers(Response(200, b'{"text":"HEC is healthy","code":17}'))
    data = {"settings": {"url": "https://splunk.acme.example:8088"}, "secrets": {"token": TOKEN}}
    for answer in (
        shop.post("/api/v1/connections", {"connector": "splunk", **data}, format="json"),
        shop.patch(f"/api/v1/connections/{row.public_id}", data, format="json"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "tenant-suspended")
    assert http.requests == [] and count_connections() == 1


def test_staff(client, make, outside, splunk, suspended):
    client.force_login(make.staff(is_superuser=True))
    data = splunk | {"tenant": suspended.pk, "anyway": "on", "reason": "they asked"}
    page = client.post("/admin/connections/connection/add/?connector=splunk", data)
    assert "Restore it before" in page.content.decode() and not Connection.unscoped.exists()
