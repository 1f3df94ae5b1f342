"""The bench of the portal looks at every page of customers, of staff, and of people by
themselves.
"""

import pytest
from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.contrib import admin
from django.contrib.admindocs.views import simplify_regex
from django.test import Client
from django.urls import resolve

from bench.portal.own_pages import NO_OWN_PAGES, OWN_PAGES, STRANGERS_PAGES
from bench.portal.pages import NO_PAGES, NOT_READ, PAGES
from bench.portal.staff_pages import NO_STAFF_PAGES, find_staff_pages, find_staff_routes
from bench.portal.staff_rows import insert_staff_rows
from bench.portal.test_data import AUTHENTICATED_USER_SESSION_KEY
from hub.db.clock import clock
from tests.journeys.pages import test_every_page, test_every_staff_page
from tests.tenant_isolation.test_admin import ROWS
from tests.tenant_isolation.test_pages import BELOW, ROUTES, acme, address
from tests.tenant_isolation.url_walk import routes

__all__ = ["acme", "address"]
pytestmark = pytest.mark.django_db
ID = "01a22045-6003-7018-a0f3-15e067fe405e"


class AnyRow(dict):
    """A row of any kind: whatever an address names has this id."""

    def __missing__(self, name):
        return ID


def find_measured_routes():
    paths = [f"/t/bench/{path.format_map(AnyRow())}".partition("?")[0] for path in PAGES.values()]
    return {resolve(path).route.removeprefix(BELOW) for path in paths}


@pytest.mark.parametrize("route", sorted(ROUTES.keys() - find_measured_routes() - NO_PAGES.keys()))
def test_what_is_not_measured_is_no_page(client, acme, address, route):
    client.force_login(acme.memberships.get().user)
    assert client.get(address(route)).status_code == 405


def test_what_is_left_out_is_there_and_has_a_reason():
    assert NO_PAGES.keys() <= ROUTES.keys()
    assert all(NO_PAGES.values())
    assert not NO_PAGES.keys() & find_measured_routes()


# --- pages of no tenant ---


def test_every_page_of_no_tenant_is_measured_or_has_a_reason():
    beginnings = (*test_every_page.BEGIN, "problems", "api/docs/")
    every = {route for route in routes(*beginnings) if not route.startswith(BELOW)}
    paths = [path.partition("?")[0] for path in (*OWN_PAGES.values(), *STRANGERS_PAGES.values())]
    measured = {simplify_regex(resolve(path).route).lstrip("/") for path in paths}
    assert every - measured - {"connect/confirm/<uuid:id>/"} == NO_OWN_PAGES.keys()
    assert all(NO_OWN_PAGES.values())


def test_the_pages_of_no_tenant_are_there(client, make):
    person = make.membership(make.tenant(), make.user(), "owner").user
    TOTP.activate(person, generate_totp_secret())
    RecoveryCodes.activate(person)
    client.force_login(person)
    session = client.session
    moment = {"method": "mfa", "at": clock().timestamp()}
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [moment]
    session[AUTHENTICATED_USER_SESSION_KEY] = str(person.pk)
    session.save()
    answers = {path: client.get(path).status_code for path in OWN_PAGES.values()}
    stranger = Client()
    answers |= {path: stranger.get(path).status_code for path in STRANGERS_PAGES.values()}
    assert {path: status for path, status in answers.items() if status != 200} == {}


# --- pages of staff ---


def test_every_page_of_staff_is_measured():
    assert set(test_every_staff_page.staff_routes()) <= set(find_staff_routes())
    assert NO_STAFF_PAGES.keys() == test_every_staff_page.NO_PAGES
    assert all(NO_STAFF_PAGES.values())


@pytest.fixture
def staff(client, make):
    """In a hub that has a row of each model, from the bench where it makes one."""
    tenants = [make.tenant(), make.tenant()]
    for tenant in tenants:
        make.inbound_endpoint(make.connection(tenant, "slack"))
    person = make.staff(is_superuser=True)
    insert_staff_rows(tenants, person, now=clock())
    for model in admin.site._registry:
        if not model._base_manager.exists():
            ROWS[model._meta.label](make, tenants[0])
    client.force_login(person)
    return client


def test_the_pages_of_staff_are_there(staff):
    answers = {page.name: staff.get(page.paths[0]).status_code for page in find_staff_pages(1)}
    missing = {name: status for name, status in answers.items() if status not in (200, *NOT_READ)}
    assert missing == {}
    assert list(answers.values()).count(200) > 100
