"""Webhook subscriptions follow from the routes of an integration; a removed one leaves none."""

import pytest

from connectors.registry import CONNECTORS
from hub.incoming.endpoints.create import (
    get_or_create_app_endpoint,
    get_or_create_connection_endpoint,
)
from hub.incoming.models import InboundEndpoint
from hub.incoming.registration.wanted import plan_subscriptions
from hub.recipes.definitions import RECIPES
from hub.recipes.integration_actions import (
    pause_integration,
    remove_integration,
    resume_integration,
)
from tests.factories import MINUTE, NOON
from tests.hub.recipes.integrations import CHANNEL, SYSTEM, create_integration

pytestmark = pytest.mark.django_db
RECEIVING = [key for key, recipe in RECIPES.items() if any(route.origin for route in recipe.routes)]
LATER = NOON + MINUTE


@pytest.fixture
def acme(make):
    tenant = make.tenant("acme")
    for connector in ("slack", "salesforce"):
        make.connection(tenant, connector)
    make.connection(tenant, "pipedrive", secret={"access_token": "v1u:acme-1"})
    make.connection(connector="app")
    return tenant


def create_endpoint(tenant, connector):
    source = CONNECTORS[connector].webhook_source
    if source.url_per == "app":
        return get_or_create_app_endpoint(connector, source, now=NOON)
    connection = tenant.connections.get(connector_key=connector)
    return get_or_create_connection_endpoint(connection, now=NOON)


def list_wanted_types(endpoint):
    """The event types for which subscriptions are wanted at the system."""
    subscriptions = plan_subscriptions(endpoint, now=NOON).values()
    return {type for one in subscriptions if one.is_wanted for type in one.event_types}


@pytest.mark.parametrize("key", RECEIVING)
def test_subscriptions_are_wanted_while_the_integration_is_on(acme, key):
    routes = [route for route in RECIPES[key].routes if route.origin]
    (origin,) = {route.origin for route in routes}
    endpoint = create_endpoint(acme, origin)
    assert list_wanted_types(endpoint) == set()
    answers = CHANNEL if RECIPES[key].find_question("channel") else {}
    integration = create_integration(acme, key, answers)
    types = {route.event_type.removeprefix(f"{origin}.") for route in routes}
    assert list_wanted_types(endpoint) >= types
    pause_integration(integration, SYSTEM, now=NOON)
    assert list_wanted_types(endpoint) == set()
    resume_integration(integration, SYSTEM, now=NOON)
    assert list_wanted_types(endpoint) >= types
    InboundEndpoint.unscoped.update(next_check_at=LATER)
    remove_integration(integration, SYSTEM, now=NOON)
    assert list_wanted_types(endpoint) == set()
    assert InboundEndpoint.unscoped.get().next_check_at == NOON  # so that the system is told soon
