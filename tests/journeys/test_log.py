"""The log in a real browser: a row beside the list, what waits, what fails, and how it follows."""

import re
import uuid

import pytest
from playwright.sync_api import expect

from hub.db.clock import clock
from hub.outgoing.models import Attempt, Delivery
from tests.hub.outgoing.operating import put
from tests.hub.portal.pages import PAGES, page
from tests.journeys.axe import LOOKS, wrong_as_it_is
from tests.journeys.chromium import window

pytestmark = [pytest.mark.desk, pytest.mark.django_db]
LOG = "/t/acme/events/"


@pytest.fixture
def acme(make):
    return make.tenant("acme", name="Acme Teas")


@pytest.fixture
def row(make, acme):
    return make.delivery(make.connection(acme, name="Own endpoint"), now=clock())


@pytest.fixture
def signed_in(client, make, acme):
    client.force_login(make.membership(acme, make.user(name="Ann Example"), role="owner").user)
    return client


def drawer(shown):
    return shown.get_by_role("dialog", name="Detail")


@pytest.mark.parametrize("look", LOOKS)
def test_a_row_opens_beside_the_log_and_is_a_page_too(browser, signed_in, row, look):
    scheme, width = LOOKS[look]
    with window(
        browser, signed_in, color_scheme=scheme, viewport={"width": width, "height": 900}
    ) as shown:
        shown.goto(f"{LOG}?state=waiting")
        shown.get_by_role("link", name="order.created").click()
        expect(drawer(shown).get_by_role("heading", level=1)).to_contain_text("to Own endpoint")
        assert shown.url.endswith(f"{LOG}?state=waiting")
        assert wrong_as_it_is(shown, width) == [] == shown.complaints
        shown.keyboard.press("Escape")
        expect(drawer(shown)).to_be_hidden()
        shown.get_by_role("link", name="order.created").click()
        drawer(shown).get_by_role("link", name="Open as a page").click()
        shown.wait_for_url(f"**/deliveries/{row.public_id}/")


def test_another_tab_is_still_another_tab(browser, signed_in, row):
    with window(browser, signed_in) as shown:
        shown.goto(LOG)
        with shown.context.expect_page():
            shown.get_by_role("link", name="order.created").click(modifiers=["Control"])
        expect(drawer(shown)).to_be_hidden()


def test_what_is_open_beside_the_log_follows_what_happens(browser, signed_in, row):
    with window(browser, signed_in) as shown:
        shown.goto(LOG)
        shown.get_by_role("link", name="order.created").click()
        expect(drawer(shown).locator(".word")).to_have_text("waiting")
        Delivery.unscoped.filter(pk=row.pk).update(
            state="failed", reason="exhausted", attempt_count=1
        )
        Attempt.unscoped.create(
            delivery=row, number=1, started_at=clock(), outcome="later", reason="status 500"
        )
        expect(drawer(shown).locator(".word")).to_have_text("failed", timeout=10_000)
        drawer(shown).get_by_text("Technical details").click()
        expect(drawer(shown).get_by_text("status 500")).to_be_visible()


def test_what_cannot_be_loaded_says_so_with_the_id_of_the_request(browser, signed_in, row):
    with window(browser, signed_in) as shown:
        shown.goto(LOG)
        public_id = row.public_id
        Delivery.unscoped.filter(pk=row.pk).update(public_id=uuid.uuid4())
        shown.get_by_role("link", name="order.created").click()
        expect(drawer(shown).get_by_role("alert")).to_contain_text("could not be loaded")
        expect(drawer(shown).locator("[data-request]")).to_have_text(re.compile("^[0-9a-f-]{36}$"))
        Delivery.unscoped.filter(pk=row.pk).update(public_id=public_id)
        drawer(shown).get_by_role("link", name="Try again").click()
        expect(drawer(shown).get_by_role("heading", level=1)).to_be_visible()


def test_new_rows_are_announced_and_one_can_stop_that(browser, signed_in, make, acme, row):
    with window(browser, signed_in) as shown:
        shown.goto(LOG)
        make.event(acme, now=clock())
        shown.get_by_role("link", name="1 new").click(timeout=10_000)
        expect(shown.get_by_role("link", name="order.created")).to_have_count(2)
        shown.get_by_role("link", name="Stop automatic updates").click()
        expect(shown.get_by_role("link", name="Update automatically")).to_be_visible()


def test_what_has_not_changed_is_asked_for_by_its_etag_and_stays_as_it_is(
    browser, signed_in, make, acme, row
):
    """No page of a tenant is stored by the browser, so the script says what the page shows."""
    polled = re.compile("/events/new")
    with window(browser, signed_in) as shown:
        shown.goto("/t/acme/events/")
        make.event(acme, "order.created", id="o-new")
        expect(shown.locator(".log-new")).to_contain_text("1 new", timeout=15_000)
        shown.evaluate("document.querySelector('.log-new').firstElementChild.dataset.seen = 'yes'")
        with shown.expect_response(polled, timeout=15_000) as response:
            pass
        assert response.value.status == 304
        expect(shown.locator(".log-new [data-seen=yes]")).to_contain_text("1 new")


def test_a_slash_and_ctrl_k_lead_to_the_search_of_everything(browser, signed_in, acme, row):
    with window(browser, signed_in) as shown:
        shown.goto("/t/acme/settings/")
        shown.keyboard.press("/")
        expect(shown.locator("#find")).to_be_focused()
        shown.goto("/t/acme/catalogue/")
        shown.keyboard.press("Control+k")
        shown.keyboard.type(row.event.sender_id)
        shown.keyboard.press("Enter")
        shown.wait_for_url("**/search/?q=*")
        shown.locator(f"a[href$='/deliveries/{row.public_id}/']").click()
        shown.wait_for_url(f"**/deliveries/{row.public_id}/")


def test_without_a_script_views_are_kept_and_rows_are_pages(browser, signed_in, row):
    with window(browser, signed_in, java_script_enabled=False) as shown:
        shown.goto(f"{LOG}?state=waiting")
        shown.get_by_text("Saved views").click()
        shown.get_by_label("Save these filters as").fill("On their way")
        shown.get_by_role("button", name="Save the view").click()
        expect(shown.get_by_role("link", name="On their way").first).to_have_attribute(
            "aria-current", "page"
        )
        shown.get_by_role("link", name="order.created").click()
        shown.wait_for_url(f"**/deliveries/{row.public_id}/")


def test_at_twice_the_size_nothing_is_too_wide(browser, signed_in, make, acme, row):
    put([row], "held", "mapping_failed")
    urls = [page(name, make, acme) for name in PAGES] + [f"/t/acme/deliveries/{row.public_id}/"]
    with window(
        browser, signed_in, viewport={"width": 640, "height": 450}, device_scale_factor=2
    ) as shown:
        wide = {}
        for url in urls:
            shown.goto(url)
            wide[url] = shown.evaluate("document.documentElement.scrollWidth")
    assert {url: width for url, width in wide.items() if width > 640} == {}


def test_what_takes_longer_shows_that_it_goes_on(browser, signed_in, acme):
    with window(browser, signed_in) as shown:
        shown.goto("/t/acme/settings/")
        expect(shown.locator("#busy")).to_be_hidden()
        # into a frame, so that this page stays however long the answer takes
        shown.evaluate(
            "document.body.append(Object.assign(document.createElement('iframe'), { name: "
            "'elsewhere' }))"
        )
        shown.evaluate("for (const form of document.forms) form.target = 'elsewhere'")
        shown.get_by_role("button", name="Save").first.click()
        expect(shown.get_by_role("progressbar", name="Working")).to_be_visible()
