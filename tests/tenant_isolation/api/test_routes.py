"""Every address of the API needs a key with its scope; a new one needs a line in ROUTES."""

import pytest
from django.urls import get_resolver

from tenants.api_scopes import SCOPES
from tests.tenant_isolation.api.routes import ANY_KEY, GUARDED, ROUTES, address, patterns

pytestmark = pytest.mark.django_db

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


def test_every_route_has_a_line():
    routes = {
        route.removeprefix("api/v1/")
        for route in patterns(get_resolver())
        if route.startswith("api/v1/")
    }
    assert routes == set(ROUTES)


@pytest.mark.parametrize("route", GUARDED)
def test_without_a_key_nothing_is_disclosed(client, api, acme, assert_all_refused, route):
    url, wrong_key = address(route, acme), api("hub_test_00000000_wrong")
    assert_all_refused(client, METHODS, url, {401})
    assert_all_refused(wrong_key, METHODS, url, {401})


@pytest.mark.parametrize("route", GUARDED)
def test_a_method_that_is_not_in_the_table_is_refused_to_the_most_powerful_key(
    api, acme, assert_all_refused, route
):
    methods = set(METHODS) - set(ROUTES[route]) - {"HEAD"}
    assert_all_refused(api.platform(), methods, address(route, acme), {405})


@pytest.mark.parametrize(
    ("route", "method", "scope"),
    [
        (route, method, scope)
        for route in GUARDED
        for method, scope in ROUTES[route].items()
        if scope != ANY_KEY
    ],
)
def test_a_key_without_the_scope_is_refused_even_at_home(
    api, acme, assert_refused, route, method, scope
):
    url, others = address(route, acme), [name for name in SCOPES if name != scope]
    assert_refused(api.platform(scopes=others), method, url, {403})
    names = [name for name in others if not SCOPES[name].platform_only]
    assert_refused(api.of(acme, scopes=names), method, url, {403})


@pytest.mark.corrections(item="3.8")
@pytest.mark.parametrize("route", [route for route in GUARDED if "GET" in ROUTES[route]])
def test_a_parameter_that_an_address_does_not_know_is_refused(api, acme, route):
    answer = api.platform().get(address(route, acme), {"tennant": "acme"})
    assert (answer.status_code, answer.json()["code"]) == (400, "validation-failed")
