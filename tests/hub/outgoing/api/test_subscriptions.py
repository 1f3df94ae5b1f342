"""The subscription of an endpoint by REST: its event types and its filter."""

import pytest

pytestmark = pytest.mark.django_db


def test_a_type_that_would_arrive_twice_is_named_with_its_input(shop, make, acme):
    endpoint = make.connection(acme, "webhook")
    make.route(connector="webhook", name="All orders")
    url = f"/api/v1/connections/{endpoint.public_id}/subscription"
    response = shop.put(url, {"event_types": ["order.*"]}, format="json")
    (error,) = response.json()["errors"]
    assert (response.status_code, error["pointer"]) == (409, "/event_types")
    assert "“All orders” already sends order.created" in error["detail"]
