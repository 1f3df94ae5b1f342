"""Nobody connects an account without a permission that an active route needs; and that permission
is asked for.
"""

import pytest

from hub.connections.models import Connection
from tests.hub.connections.browsers import problem, query_of, stored, under_way

pytestmark = pytest.mark.django_db

AS_THE_SHOP = {"channel": "'C1'", "text": "data.number", "username": "'Shop'"}
CUSTOM = "chat:write.customize"


@pytest.fixture
def route(make, acme):
    return make.route(tenant=acme, connector="slack", action="post_message", body=AS_THE_SHOP)


def without_it(browser, outside, **said):
    outside.world(slack=[{"team": "T0000ACME", "scopes": "chat:write"}])
    return browser.comes_back(
        browser.allow(browser.sent_to("slack", **said), ticked=["chat:write"])
    )


def test_consent_asks_for_what_a_route_needs(browser, route):
    assert CUSTOM in query_of(browser.sent_to("slack"))["scope"]


def test_consent_does_not_ask_for_more_than_routes_need(browser):
    assert CUSTOM not in query_of(browser.sent_to("slack"))["scope"]


def test_the_confirm_page_names_it_and_offers_another_try(browser, outside, route):
    page = without_it(browser, outside)
    assert problem(page) == "permission_needed" and page.context["plan"].missing_permissions == (
        CUSTOM,
    )
    shown = page.content.decode()
    assert CUSTOM in shown and 'value="confirm"' not in shown and "Try again" in shown


def test_who_confirms_all_the_same_is_refused(browser, outside, route):
    page = browser.says(without_it(browser, outside))
    assert problem(page) == "permission_needed" and stored() == 0 and under_way().state == "granted"


def test_who_allows_it_connects(browser, outside, route):
    outside.world(slack=[{"team": "T0000ACME", "scopes": "chat:write"}])
    browser.says(browser.connects("slack"))
    assert CUSTOM in Connection.unscoped.get().permissions


def test_a_route_that_is_off_keeps_nobody_from_connecting(browser, outside, route):
    type(route).unscoped.update(enabled=False)
    browser.says(without_it(browser, outside))
    assert stored() == 1


def test_a_reconnect_asks_again_for_what_was_granted_before(browser, make, acme):
    row = make.connection(acme, connector="slack", permissions=["chat:write", "users:read"])
    asked = query_of(browser.sent_to("slack", connection=str(row.public_id)))["scope"]
    assert "users:read" in asked.split(",")
