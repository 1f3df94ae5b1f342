"""Mappings and filters of integrations are compiled before the transaction that stores them."""

import pytest

from hub.mappings.models import MappingVersion
from hub.outgoing.models import Route
from hub.recipes.models import Integration
from tests.hub.mappings.compilations import compiling
from tests.hub.recipes.doors import open_doors
from tests.hub.recipes.integrations import (
    age_integration,
    create_integration,
    route_of,
    store_channels,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.corrections(item="3.5")]


def switch_on(doors, integration, door, channel):
    answers = {"channel": channel}
    if door == "rest":
        data = {"recipe": "order_to_slack", "answers": answers}
        doors.rest_client.post("/api/v1/integrations", data, format="json")
    elif door == "portal":
        doors.portal_client.post("/t/acme/integrations/new/order_to_slack/", answers | {"on": "1"})
    else:
        data = {
            "tenant": "acme",
            "recipe": "order_to_slack",
            "answers": f'{{"channel": "{channel}"}}',
        }
        doors.staff_client.post("/admin/recipes/integration/new/", data)


def change(doors, integration, door, channel):
    answers, id = {"channel": channel}, integration.public_id
    if door == "rest":
        doors.rest_client.patch(f"/api/v1/integrations/{id}", {"answers": answers}, format="json")
    else:
        doors.portal_client.post(f"/t/acme/integrations/{id}/answers/", answers | {"save": "1"})


def upgrade(doors, integration, door, channel):
    """The newer version has the text that is compiled by then, and the answer a channel that is
    not.
    """
    age_integration(integration, text="'OLD'")
    verb = "upgrade/" if door == "portal" else "upgrade"
    doors.post(door, integration, verb, {"channel": channel})


DOORS = {
    switch_on: ("rest", "portal", "staff"),
    change: ("rest", "portal"),
    upgrade: ("rest", "portal"),
}
CASES = [(save, door) for save, doors in DOORS.items() for door in doors]


@pytest.fixture
def doors(make, api, acme):
    return open_doors(make, api, acme)


@pytest.mark.parametrize(("save", "door"), CASES)
def test_the_mapping_of_answers_is_compiled_before_the_transaction(acme, doors, save, door):
    channel = f"C0{save.__name__}{door}".upper().replace("_", "")
    store_channels(acme.connections.get(connector_key="slack"), "C024BE91L", channel)
    integration = create_integration(acme)
    with compiling() as in_transaction:
        save(doors, integration, door, channel)
    assert MappingVersion.unscoped.latest("pk").body["channel"] == f"'{channel}'"
    assert in_transaction and not any(in_transaction)


@pytest.mark.parametrize("column", ["filter", "order_key"])
@pytest.mark.parametrize("door", ["rest", "portal", "staff"])
def test_the_expressions_of_a_resumed_route_are_compiled_before_the_transaction(
    acme, doors, column, door
):
    integration = create_integration(acme)
    doors.post(door, integration, "pause")
    Route.unscoped.update(**{column: f"data.{column}_by_{door}"})
    with compiling() as in_transaction:
        doors.post(door, integration, "resume")
    assert Integration.unscoped.get().state == "on" and route_of(integration).enabled
    assert in_transaction and not any(in_transaction)
