"""The editor of field mappings in a real browser: with scripts, without them, and on a phone."""

import pytest
from playwright.sync_api import expect

from connectors.http import Response
from hub.audit import ActorContext
from hub.mappings.mapping_actions import change_mapping
from tests.factories import NOON
from tests.fakes import FakeHttp
from tests.hub.outgoing.pump.test_loop import pump
from tests.journeys.axe import assert_accessible, wrong_as_it_is
from tests.journeys.chromium import window

pytestmark = [pytest.mark.desk, pytest.mark.django_db]


@pytest.fixture
def acme(make):
    return make.tenant("acme", name="Acme Teas", time_zone="Europe/Berlin")


@pytest.fixture
def signed_in(client, make, acme):
    client.force_login(make.membership(acme, make.user(name="Ann Example"), role="owner").user)
    return client


@pytest.fixture
def mapping(make, acme):
    """A mapping with each kind of row, a delivery that arrived, and two versions."""
    body = {
        "number": "data.number",
        "customer": "upper(data.customer)",
        "shop": "'Acme Teas'",
        "note": "'Two\nlines'",
        "owner": "identity('user', data.customer)",
        "text": "concat('New order ', data.number)",
    }
    mapping = make.mapping(acme, "webhook", "send", {"number": "data.number"})
    connection = make.connection(acme)
    make.route(connection, mapping=mapping, name="New orders")
    make.route(make.connection(acme), mapping=mapping, name="New orders, archive")
    make.event(acme, id="first")
    pump(FakeHttp(Response(200, b"")))
    change_mapping(mapping, ActorContext.system(), body=body, now=NOON)
    return mapping


def page_of(mapping, rest=""):
    return f"/t/acme/mappings/{mapping.public_id}/{rest}"


def test_every_page_can_be_read(browser, signed_in, make, mapping):
    shared = make.mapping(None, "webhook", "send")
    make.route(mapping=shared, name="Everybody's")
    pages = ("", "edit", "edit?view=json", "versions/")
    assert_accessible(
        browser,
        signed_in,
        "/t/acme/mappings/",
        *(page_of(mapping, rest) for rest in pages),
        page_of(shared),
    )


def test_with_scripts_rows_come_and_go_and_the_preview_follows(browser, signed_in, mapping):
    with window(browser, signed_in) as page:
        page.goto(page_of(mapping, "edit"))
        page.get_by_role("button", name="Add a row").click()
        expect(page.locator("#row-8-path")).to_be_focused()
        page.locator("#row-8-path").fill("currency")
        page.locator("#row-8-value").fill("data.currency")
        expect(page.locator("#preview")).to_contain_text('"currency": "EUR"')
        page.locator("#row-8-kind").select_option("constant")
        expect(page.locator("#preview")).to_contain_text('"currency": "data.currency"')
        page.get_by_role("button", name="Remove row 5").click()
        expect(page.locator("#row-8-path")).to_have_count(0)
        page.get_by_role("button", name="Save").click()
        page.wait_for_url(f"**{page_of(mapping)}")
        assert page.complaints == []
    assert mapping.current.number == 3
    assert mapping.current.body["currency"] == "'data.currency'"
    assert "owner" not in mapping.current.body and mapping.current.body["note"] == "'Two\nlines'"


def test_the_enter_key_saves_and_removes_nothing(browser, signed_in, mapping):
    with window(browser, signed_in) as page:
        page.goto(page_of(mapping, "edit"))
        page.locator("#row-1-value").fill("data.total")
        page.keyboard.press("Enter")
        page.wait_for_url(f"**{page_of(mapping)}")
    assert mapping.current.body["number"] == "data.total" and len(mapping.current.body) == 6


def test_without_scripts_nothing_is_missing(browser, signed_in, mapping):
    with window(browser, signed_in, java_script_enabled=False) as page:
        page.goto(page_of(mapping, "edit"))
        page.get_by_role("button", name="Add a row").click()
        page.locator("#row-8-path").fill("currency")
        page.locator("#row-8-value").fill("data.currency")
        page.get_by_role("button", name="Preview").click()
        expect(page.locator("#preview")).to_contain_text('"currency": "EUR"')
        page.get_by_role("button", name="Edit as JSON").click()
        expect(page.locator("#id_body")).to_contain_text('"currency": "data.currency"')
        page.get_by_role("button", name="Edit as table").click()
        page.get_by_role("button", name="Remove row 5").click()
        page.get_by_role("button", name="Save").click()
    assert mapping.current.body["currency"] == "data.currency"
    assert "owner" not in mapping.current.body


def test_errors_at_rows_can_be_read(browser, signed_in, mapping):
    with window(browser, signed_in, viewport={"width": 390, "height": 900}) as page:
        page.goto(page_of(mapping, "edit"))
        page.locator("#row-1-value").fill("not a path")
        page.get_by_role("button", name="Preview").click()
        expect(page.locator("#row-1-error")).to_contain_text("This is not a path")
        expect(page.locator("#row-1-path")).to_have_attribute("aria-invalid", "true")
        assert wrong_as_it_is(page, 390) == []
