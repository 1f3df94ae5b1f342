"""Every page that an address leads to, by the list of the addresses themselves, as axe sees it.

Of pages that differ by their words alone, one is looked at.
"""

import itertools

import pytest
from django.db import DEFAULT_DB_ALIAS, connections
from django.test import Client

from tests.canary.secret_canaries import TEXT, CanaryRows
from tests.journeys.axe import assert_accessible
from tests.journeys.chromium import chromium
from tests.markup_shape import choose_widest_of_each_shape
from tests.tenant_isolation.url_walk import addresses, routes
from tests.tenants.door import code_of

pytestmark = [pytest.mark.desk, pytest.mark.django_db, pytest.mark.timeout(600)]

BEGIN = ("t/", "connect/", "invitations/", "enter/", "accounts/", "problems/")
HERE = "t/<str:tenant>/"
OF_EACH = 5  # addresses: as many as there are systems of a customer
ASKED = {  # what an address needs beside its rows
    f"{HERE}operations/plan": "?state=failed",
    f"{HERE}connections/<uuid:id>/identities/say/": "?kind=user&local_id=7",
    f"{HERE}connections/<uuid:id>/identities/remove/": "?kind=user&local_id=7",
}
PARTS = {  # of a page, asked for by the page itself
    f"{HERE}events/new",
    f"{HERE}deliveries/<uuid:id>/live",
    f"{HERE}operations/<uuid:id>/live",
    f"{HERE}runs/<uuid:id>/live",
    f"{HERE}logs/live",
    f"{HERE}webhooks/gaps/<uuid:id>/live",
    f"{HERE}connections/<uuid:id>/identities/review/reads",
    f"{HERE}endpoints/<uuid:id>/match",
}
FILES = {
    f"{HERE}events/export.<slug:kind>",
    f"{HERE}connections/<uuid:id>/identities/export.csv",
    f"{HERE}runs/<uuid:id>/certificate.<slug:kind>",
    "accounts/2fa/recovery-codes/download/",
}
LEAD_ON = {
    "connect/<slug:connector>/callback",
    "accounts/password/set/",
    "accounts/login/code/confirm/",
    "accounts/2fa/first/<str:token>/",
}
OF_OTHERS = {  # whom the owner of a house is not: test_accessible and test_accessible_ways go there
    "accounts/login/",
    "accounts/signup/",
    "accounts/confirm-email/",
    "accounts/2fa/authenticate/",
    "accounts/2fa/totp/activate/",
    "invitations/<str:token>/",
    "enter/<str:token>/",
    "connect/link/",
    "connect/link/fill-in/",
    "connect/link/<str:token>/",
    "connect/<slug:connector>/refused/<slug:code>/",
}


@pytest.fixture
def owner(make, settings):
    """In a house where everything has happened; has just shown who they are, and need not again,
    however long the walk takes.
    """
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 3600
    house = CanaryRows(make)
    house.live()
    client = house.browser(Client(), house.owner)
    client.post("/accounts/2fa/reauthenticate/", {"code": code_of(TEXT)})
    return client


def pages(client, route):
    """Its addresses that answer with a page, and the page."""
    for address in itertools.islice(addresses(route), 2 * OF_EACH):
        answer = client.get(address + ASKED.get(route, ""))
        if answer.status_code == 200 and not answer.streaming and b"<html" in answer.content:
            yield address + ASKED.get(route, ""), answer.content.decode()


def only_posted_to(client, route):
    return client.get(next(addresses(route))).status_code == 405


def test_every_address_leads_to_a_page_that_everybody_can_use_or_it_is_said_why_not(owner):
    others, every = PARTS | FILES | LEAD_ON | OF_OTHERS, routes(*BEGIN)
    assert others - set(every) == set()
    found = {
        route: dict(itertools.islice(pages(owner, route), OF_EACH))
        for route in every
        if route not in FILES
    }
    assert [
        route
        for route, pages_of_route in found.items()
        if not (pages_of_route or route in others or only_posted_to(owner, route))
    ] == []
    seen = {
        url: html for route in found if "logout" not in route for url, html in found[route].items()
    }
    assert_pages_accessible(owner, choose_widest_of_each_shape(seen))


def assert_pages_accessible(client, every):
    database = connections[DEFAULT_DB_ALIAS]
    with (
        chromium() as browser
    ):  # its loop runs in this thread: nothing of the house could be sent any more,
        connections[DEFAULT_DB_ALIAS] = database  # and Django would open another connection
        assert_accessible(browser, client, *every)
