"""The documentation of the API in a browser: in both themes, on a phone, by keyboard."""

import pytest

from hub.api_docs.guides import list_guides
from tests.journeys.axe import assert_accessible
from tests.journeys.chromium import window

pytestmark = [pytest.mark.desk, pytest.mark.django_db, pytest.mark.timeout(300)]

PAGES = [
    *(guide.url for guide in list_guides()),
    "/api/docs/search/?q=retry",
    "/api/docs/search/?q=nowhere-to-be-found",
    "/problems/",
]


def test_everyone_can_read_it(browser, client):
    assert_accessible(browser, client, *PAGES)


def test_an_example_is_copied_and_a_slash_leads_to_the_search(browser, client):
    with window(browser, client, permissions=["clipboard-read", "clipboard-write"]) as page:
        page.goto("/api/docs/quick-start/")
        page.get_by_role("button", name="Copy").first.click()
        assert "/api/v1/me" in page.evaluate("navigator.clipboard.readText()")
        page.keyboard.press("/")
        page.keyboard.type("signature")
        page.keyboard.press("Enter")
        page.wait_for_url("**/api/docs/search/?q=signature")
        page.get_by_role("link", name="Python").first.click()
        page.wait_for_url("**/api/docs/receiving-webhooks/#python")
        assert page.complaints == []


def test_the_menu_is_closed_on_a_phone_and_open_on_a_wide_screen(browser, client):
    for width, is_shown in ((390, False), (1400, True)):
        size = {"width": width, "height": 900}
        with window(browser, client, viewport=size, java_script_enabled=False) as page:
            page.goto("/api/docs/quick-start/")
            link = page.locator(".docs-menu").get_by_role("link", name="Errors")
            assert link.is_visible() is is_shown


def test_the_reference_is_dark_in_a_dark_theme(browser, client):
    with window(browser, client, color_scheme="dark") as page:
        page.goto("/api/docs/reference/")
        page.locator(".swagger-ui .info").first.wait_for()
        filtered = "getComputedStyle(document.querySelector('#swagger-ui')).filter"
        assert page.evaluate(filtered).startswith("invert")
