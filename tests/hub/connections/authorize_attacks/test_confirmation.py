"""What is confirmed, by whom, and where a person is sent afterwards."""

import pytest

from tests.hub.connections.browsers import problem, query_of, under_way

pytestmark = pytest.mark.django_db


def test_a_confirm_page_is_nobody_elses(browser, another, acme, client, system):
    address = browser.connects(system).request["PATH_INFO"]
    for stranger in (another(acme, "owner").client, client):
        assert stranger.get(address).status_code == 404
        assert stranger.post(address, {"do": "confirm"}).status_code == 404


def test_a_confirmation_without_a_csrf_token(browser, system):
    page = browser.connects(system)
    browser.client.handler.enforce_csrf_checks = True
    assert browser.says(page).status_code == 403
    assert browser.begin(system).status_code == 403


def test_nothing_is_begun_or_confirmed_by_a_link(browser, system):
    page = browser.connects(system)
    assert browser.client.get(f"/t/acme/connect/{system}/authorize").status_code == 405
    browser.client.get(page.request["PATH_INFO"], {"do": "confirm"})


def test_the_address_of_the_way_back_is_the_settings_not_the_requests(browser):
    said = {"HTTP_HOST": "testserver", "HTTP_X_FORWARDED_HOST": "evil.example"}
    page = browser.client.post("/t/acme/connect/slack/authorize", **said)
    assert (
        query_of(page.context["url"])["redirect_uri"] == "https://hub.test/connect/slack/callback"
    )
    assert (
        browser.client.post("/t/acme/connect/slack/authorize", HTTP_HOST="evil.example").status_code
        == 400
    )


def test_a_way_back_that_has_changed_meanwhile(browser, settings, system):
    back = browser.allow(browser.sent_to(system))
    settings.HUB_PUBLIC_URL = "https://new.hub.test"
    assert problem(browser.comes_back(back)) == "moved"


ELSEWHERE = [
    "//evil",
    "/\\evil",
    "https:evil",
    "https://evil.example",
    "javascript:alert(1)",
    "/%0d%0aSet-Cookie:a=b\r\nx",
    "http://hub.test@evil",
    "///evil",
    " /t",
    "/" * 600,
]


@pytest.mark.parametrize("next", ELSEWHERE)
def test_an_open_redirect_afterwards(browser, next):
    browser.sent_to("slack", next=next)
    assert under_way().return_to == "/t/acme/"


def test_two_ways_back_are_none(browser):
    browser.client.post("/t/acme/connect/slack/authorize", {"next": ["/t/acme/events/", "//evil"]})
    assert under_way().return_to == "/t/acme/"


def test_a_way_back_of_our_own(browser):
    browser.sent_to("slack", next="/t/acme/catalogue/")
    assert under_way().return_to == "/t/acme/catalogue/"
