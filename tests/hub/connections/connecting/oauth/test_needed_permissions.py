"""Nobody connects an account without a permission that an active route needs; and that permission
is asked for.
"""

import pytest

from hub.connections.models import Connection
from tests.hub.connections.browsers import (
    count_connections,
    get_newest_authorization,
    get_problem_code,
    query_of,
)

pytestmark = pytest.mark.django_db

AS_THE_SHOP = {"channel": "'C1'", "text": "data.number", "username": "'Shop'"}
CUSTOM = "chat:write.customize"


@pytest.fixture
def route(make, acme):
    return make.route(tenant=acme, connector="slack", action="post_message", body=AS_THE_SHOP)


def connect_without_permission(browser, outside, **fields):
    outside.world(slack=[{"team": "T0000ACME", "scopes": "chat:write"}])
    return browser.follow_callback(
        browser.allow(browser.get_consent_url("slack", **fields), ticked=["chat:write"])
    )


def test_consent_asks_for_what_a_route_needs(browser, route):
    assert CUSTOM in query_of(browser.get_consent_url("slack"))["scope"]


def test_consent_does_not_ask_for_more_than_routes_need(browser):
    assert CUSTOM not in query_of(browser.get_consent_url("slack"))["scope"]


def test_the_confirm_page_names_it_and_offers_another_try(browser, outside, route):
    page = connect_without_permission(browser, outside)
    assert get_problem_code(page) == "permission_needed" and page.context[
        "plan"
    ].missing_permissions == (CUSTOM,)
    page_text = page.content.decode()
    assert CUSTOM in page_text and 'value="confirm"' not in page_text and "Try again" in page_text


def test_who_confirms_all_the_same_is_refused(browser, outside, route):
    page = browser.submit(connect_without_permission(browser, outside))
    assert (
        get_problem_code(page) == "permission_needed"
        and count_connections() == 0
        and get_newest_authorization().state == "granted"
    )


def test_who_allows_it_connects(browser, outside, route):
    outside.world(slack=[{"team": "T0000ACME", "scopes": "chat:write"}])
    browser.submit(browser.connect_account("slack"))
    assert CUSTOM in Connection.unscoped.get().permissions


def test_a_disabled_route_prevents_no_connecting(browser, outside, route):
    type(route).unscoped.update(enabled=False)
    browser.submit(connect_without_permission(browser, outside))
    assert count_connections() == 1


def test_a_reconnect_asks_again_for_what_was_granted_before(browser, make, acme):
    row = make.connection(acme, connector="slack", permissions=["chat:write", "users:read"])
    query = query_of(browser.get_consent_url("slack", connection=str(row.public_id)))["scope"]
    assert "users:read" in query.split(",")
