"""The bench of the portal looks at every page of a customer."""

import pytest
from django.urls import resolve

from bench.portal.pages import NO_PAGES, PAGES
from tests.test_wall_pages import BELOW, ROUTES, acme, address

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
