"""Every page of the portal in a real browser: axe objects to nothing, nothing is too wide, and
nothing breaks.
"""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from hub.db.clock import clock
from hub.outgoing.models import Delivery
from tests.factories import NOON
from tests.hub.portal.pages import PAGES, page
from tests.journeys.axe import assert_accessible
from tests.journeys.chromium import window

pytestmark = [pytest.mark.desk, pytest.mark.django_db]

SIGNED_OUT = {"sign in": "/accounts/login/", "password forgotten": "/accounts/password/reset/"}


@pytest.fixture
def acme(make):
    """One of each state, with a day of deliveries."""
    tenant, now = make.tenant("acme", name="Acme Teas", time_zone="Europe/Berlin"), clock()
    make.app("slack", {"client_id": "hub.slack", "client_secret": "secret"})
    make.connection(tenant, "slack", permissions=["chat:write"]).mark_needs_reconnect(
        "unauthorized", now=NOON
    )
    make.connection(tenant, "salesforce").pause(
        "they move", until=now + timedelta(hours=3), now=NOON
    )
    make.connection(tenant, "splunk").transition_to(
        "degraded", reason="timed_out", state_changed_at=NOON
    )
    for number, state in enumerate(["delivered", "held", "failed", "waiting"] * 3):
        row = make.delivery(make.connection(tenant), now=now)
        Delivery.unscoped.filter(pk=row.pk).update(
            state=state, state_changed_at=now - timedelta(hours=number)
        )
    make.route(tenant=tenant)
    asks = {"channel": "identity('channel', 'orders')", "text": "'New order'"}
    make.route(tenant.connections.get(connector_key="slack"), body=asks)
    make.authorization(tenant, "pipedrive")
    return tenant


@pytest.fixture
def signed_in(client, make, acme):
    client.force_login(make.membership(acme, make.user(name="Ann Example"), role="owner").user)
    return client


def test_what_is_empty_says_so_to_everybody(browser, client, make):
    new = make.tenant("new", name="New Teas")
    client.force_login(make.membership(new, make.user(), role="owner").user)
    assert_accessible(
        browser,
        client,
        *(page(name, make, new) for name in PAGES if "{id}" not in PAGES[name]),
    )


def test_many_states_side_by_side_can_be_read(browser, signed_in):
    assert_accessible(browser, signed_in, "/t/acme/", "/t/acme/events/", "/t/acme/endpoints/")


@pytest.mark.parametrize("name", SIGNED_OUT)
def test_everybody_can_come_in(browser, client, acme, name):
    assert_accessible(browser, client, SIGNED_OUT[name])


def test_guests_can_come_in(browser, client, make, acme):
    connect = make.connect_link(acme, "splunk")
    assert_accessible(browser, client, f"/connect/link/{connect.token}/")
    client.post(f"/connect/link/{connect.token}/")
    assert_accessible(
        browser,
        client,
        "/connect/link/",
        "/connect/link/fill-in/",
        "/connect/link/done/",
    )


def test_a_portal_link_lets_in_by_a_click_and_shows_the_way_back(
    browser, client, make, acme, settings
):
    settings.HUB_PORTAL_RETURN_URLS = ["https://app.example.com"]
    link = make.portal_link(acme, name="Ann", return_url="https://app.example.com/back")
    with window(browser, client) as shown:
        shown.goto(f"/enter/{link.token}/")
        shown.get_by_role("button", name="Continue to").click()
        shown.wait_for_url("**/t/acme/")
        expect(shown.get_by_role("link", name="Go back")).to_have_attribute("href", link.return_url)
    assert_accessible(browser, client, "/t/acme/")


@pytest.mark.parametrize("state", ["slack", "salesforce", "splunk"])
def test_whatever_its_state_a_connection_can_be_read(browser, signed_in, acme, state):
    row = acme.connections.get(connector_key=state)
    assert_accessible(browser, signed_in, f"/t/acme/connections/{row.public_id}/")


def test_it_is_used_by_keyboard(browser, signed_in, acme):
    with window(browser, signed_in) as shown:
        shown.goto("/t/acme/")
        shown.keyboard.press("?")
        assert shown.locator("dialog#keys").is_visible()
        shown.keyboard.press("Escape")
        shown.keyboard.press("g")
        shown.keyboard.press("a")
        shown.wait_for_url("**/catalogue/")
        shown.keyboard.press("/")
        assert shown.evaluate("document.activeElement.id") == "q"


def test_the_search_finds_as_one_types_and_keeps_the_address(browser, signed_in, acme):
    with window(browser, signed_in) as shown:
        shown.goto("/t/acme/catalogue/")
        shown.locator("#q").press_sequentially(
            "siem", delay=200
        )  # slower than the search waits: it asks meanwhile
        shown.wait_for_url("**/catalogue/?q=siem")
        expect(shown.locator("#found h2")).to_have_text(["Splunk"])
        assert shown.complaints == []


def test_an_id_is_copied_and_it_is_said(browser, signed_in, acme):
    row = acme.connections.get(connector_key="splunk")
    with window(browser, signed_in, permissions=["clipboard-read", "clipboard-write"]) as shown:
        shown.goto(f"/t/acme/connections/{row.public_id}/")
        shown.locator(f'[data-copy="{row.public_id}"]').click()
        expect(shown.locator("#spoken")).to_have_text("Copied: id")
        assert shown.evaluate("navigator.clipboard.readText()") == str(row.public_id)


def test_without_a_script_nothing_is_missing(browser, signed_in, acme):
    with window(browser, signed_in, java_script_enabled=False) as shown:
        shown.goto("/t/acme/catalogue/")
        shown.locator("#q").fill("chat")
        shown.locator("#content form[role=search] button").click()
        shown.wait_for_url("**/catalogue/?q=chat")
        assert "Slack" in shown.locator("#found").inner_text()
        shown.get_by_role("button", name="Dark").click()
        expect(shown.locator("html[data-theme=dark]")).to_be_attached()
