"""What is confirmed, by whom, and where a person is sent afterwards."""

import pytest

from tests.hub.connections.browsers import get_newest_authorization, get_problem_code, query_of

pytestmark = pytest.mark.django_db


def test_a_confirm_page_belongs_to_one_person(browser, open_browser, acme, client, system):
    address = browser.connect_account(system).request["PATH_INFO"]
    for stranger in (open_browser(acme, "owner").client, client):
        assert stranger.get(address).status_code == 404
        assert stranger.post(address, {"do": "confirm"}).status_code == 404


def test_a_confirmation_without_a_csrf_token(browser, system):
    page = browser.connect_account(system)
    browser.client.handler.enforce_csrf_checks = True
    assert browser.submit(page).status_code == 403
    assert browser.begin(system).status_code == 403


def test_nothing_is_begun_or_confirmed_by_a_link(browser, system):
    page = browser.connect_account(system)
    assert browser.client.get(f"/t/acme/connect/{system}/authorize").status_code == 405
    browser.client.get(page.request["PATH_INFO"], {"do": "confirm"})


def test_the_address_of_the_way_back_is_the_settings_not_the_requests(browser):
    data = {"HTTP_HOST": "testserver", "HTTP_X_FORWARDED_HOST": "evil.example"}
    page = browser.client.post("/t/acme/connect/slack/authorize", **data)
    assert (
        query_of(page.context["url"])["redirect_uri"] == "https://hub.test/connect/slack/callback"
    )
    assert (
        browser.client.post("/t/acme/connect/slack/authorize", HTTP_HOST="evil.example").status_code
        == 400
    )


def test_a_way_back_that_has_changed_meanwhile(browser, settings, system):
    back = browser.allow(browser.get_consent_url(system))
    settings.HUB_PUBLIC_URL = "https://new.hub.test"
    assert get_problem_code(browser.follow_callback(back)) == "moved"


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
    browser.get_consent_url("slack", next=next)
    assert get_newest_authorization().return_to == "/t/acme/"


def test_two_ways_back_are_none(browser):
    browser.client.post("/t/acme/connect/slack/authorize", {"next": ["/t/acme/events/", "//evil"]})
    assert get_newest_authorization().return_to == "/t/acme/"


def test_a_way_back_of_our_own(browser):
    browser.get_consent_url("slack", next="/t/acme/catalogue/")
    assert get_newest_authorization().return_to == "/t/acme/catalogue/"
