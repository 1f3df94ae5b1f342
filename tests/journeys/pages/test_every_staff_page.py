"""Every staff page, by the list of the addresses themselves, with rows and with nothing there, as
axe sees it: light and wide, dark and as narrow as a phone.

A page is loaded once and looked at twice. Of pages that are alike one is enough: of what all models
have in common, and of the actions that ask for the same.
"""

import itertools

import pytest
from django.contrib import admin
from django.db import DEFAULT_DB_ALIAS, connections
from django.test import Client

from tests.canary.secret_canaries import HOUR, CanaryRows
from tests.hub.scheduled.night.builders import DAY, create_job, create_run, create_schedule
from tests.journeys.axe import OF_ITS_STATUS, bring_axe, prefer, wear, wrong_as_it_is
from tests.journeys.chromium import chromium, window
from tests.tenant_isolation.test_admin import ROWS
from tests.tenant_isolation.url_walk import addresses, routes

pytestmark = [pytest.mark.desk, pytest.mark.django_db, pytest.mark.timeout(600)]

LOOKS = (("light", 1400), ("dark", 390))
MENU = "#nav-sidebar"  # of all pages: looked at on the first
QUERIES = {"admin/operations/operation/plan/": "?state=failed"}  # what an address asks for
NO_PAGES = {  # parts of pages, files and scripts, and what leads on
    "admin/autocomplete/",
    "admin/jsi18n/",
    "admin/login/",
    "admin/logout/",
    "admin/search/",
    "admin/password_change/",
    "admin/password_change/done/",
    "admin/<url>",
    "admin/<app_label>/",
    "admin/r/<path:content_type_id>/<path:object_id>/",
    "admin/scheduled/discrepancy/certificates/<uuid:id>/<slug:kind>/",
}
OF_A_ROW = "<path:object_id>/"
ACTION = f"{OF_A_ROW}verbs/<slug:name>/"
PART_OF_A_PAGE, LEADS_ON = "/live/", f"/{OF_A_ROW}"
ALIKE = ("/history/", "/delete/", "/password/")
UNFOLD = "document.querySelectorAll('details').forEach((one) => { one.open = true; })"


@pytest.fixture
def staff(make):
    client = Client()
    client.force_login(make.staff(is_superuser=True, name="Sam Staff"))
    return client


@pytest.fixture
def rows(make):
    """Rows of every model of the admin, of a tenant to which everything has happened."""
    house = CanaryRows(make)
    house.live()
    plan_night(house)
    for model in admin.site._registry:
        if not model._base_manager.exists():
            ROWS[model._meta.label](make, house.tenant)


def plan_night(house):
    """A job that has called a system last night, and runs again in two hours."""
    slot_at = house.now.replace(second=0, microsecond=0) + 2 * HOUR
    job = create_job(cron=f"{slot_at.minute} {slot_at.hour} * * *", deadline_minutes=1)
    calls = {"salesforce|account|00D1|": 400, "app|app||requests": 300}
    create_run(job, house.tenant, slot_at=slot_at - DAY, seconds=400, calls=calls)
    create_schedule(job, house.tenant, next_slot_at=slot_at)


# --- which pages there are ---


def staff_routes():
    every = [route for route in routes("admin/") if route not in NO_PAGES]
    return [route for route in every if not route.endswith((PART_OF_A_PAGE, LEADS_ON))]


def address_groups(route):
    """The addresses of a route: one list for each action of a row, or one for all rows."""
    if not route.endswith(ACTION):
        return [[address + QUERIES.get(route, "") for address in addresses(route)]]
    rows = [
        address.removesuffix("change/")
        for address in addresses(f"{route.removesuffix(ACTION)}{OF_A_ROW}change/")
    ]
    return [[f"{row}verbs/{name}/" for row in rows] for name in actions_of(route)]


def actions_of(route):
    label = ".".join(route.split("/")[1:3])
    pages = {model._meta.label_lower: page for model, page in admin.site._registry.items()}
    return pages[label].list_action_names()


def is_page(answer):
    return answer.status_code == 200 and not answer.streaming and b"<html" in answer.content


def kind_of(route, answer):
    """What pages that are alike have in common."""
    if route.endswith(ACTION):
        return answer.templates[0].name, type(answer.context["form"])
    return next((end for end in ALIKE if route.endswith(end)), route)


def first_page(client, group):
    for address in group:
        answer = client.get(address)
        if is_page(answer):
            return address, answer
    return None, None


def find_pages(client):
    """One address of each kind of page, and the routes that lead to none."""
    found, silent = {}, []
    for route in staff_routes():
        pages = [first_page(client, group) for group in address_groups(route)]
        if not any(address for address, _ in pages) and not is_not_for_reading(client, route):
            silent.append(route)
        for address, answer in pages:
            if address:
                found.setdefault(kind_of(route, answer), address)
    return list(found.values()), silent


def is_not_for_reading(client, route):
    """What nobody adds or deletes by hand, is only posted to, or has no actions."""
    addresses = [address for group in address_groups(route) for address in group]
    return all(client.get(address).status_code in (403, 405) for address in addresses)


def pages_without_rows(client):
    """Those of no row; the form of a new one is the same with rows."""
    every = [route for route in staff_routes() if "<" not in route and not route.endswith("/add/")]
    found = ["/" + route + QUERIES.get(route, "") for route in every]
    return [address for address in found if is_page(client.get(address))]


# --- how they look ---


def assert_pages_accessible(client, looks_of):
    """In one window; by address, the looks that a page is seen in, the first one when it loads."""
    database = connections[DEFAULT_DB_ALIAS]
    with chromium() as browser:  # its loop runs in this thread, see test_every_page
        connections[DEFAULT_DB_ALIAS] = database
        with window(browser, client) as page:
            bring_axe(page)
            found, seen = {}, ""
            for address, looks in looks_of.items():
                prefer(page, *looks[0])
                page.goto(address)
                page.evaluate(UNFOLD)
                found[address] = [wrong for look in looks if (wrong := wrong_in(page, look, seen))]
                seen = MENU
            complaints = [said for said in page.complaints if not said.startswith(OF_ITS_STATUS)]
    found = {address: wrong for address, wrong in found.items() if wrong}
    assert not (found or complaints), f"{found} {complaints}"


def wrong_in(shown, look, seen):
    wear(shown, *look)
    wrong = wrong_as_it_is(shown, look[1], without=seen)
    return wrong and (look, wrong)


def test_staff_can_use_every_page_and_every_address_leads_to_one(staff, rows):
    assert set(routes("admin/")) >= NO_PAGES
    found, silent = find_pages(staff)
    assert silent == []
    orders = itertools.cycle([LOOKS, LOOKS[::-1]])  # each loads in the last look of the one before
    assert_pages_accessible(staff, dict(zip(found, orders, strict=False)))


def test_staff_can_use_every_page_before_there_is_anything(staff):
    """They share a template: one half is seen light and wide, the other dark and narrow."""
    found = pages_without_rows(staff)
    light, dark = LOOKS
    assert_pages_accessible(
        staff, dict.fromkeys(found[::2], [light]) | dict.fromkeys(found[1::2], [dark])
    )
