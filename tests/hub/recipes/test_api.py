"""Recipes and integrations by REST."""

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from hub.connections.models import Connection
from hub.mappings.mapping_actions import change_mapping
from hub.outgoing.models import Route
from hub.recipes.definitions import RECIPES
from hub.recipes.models import Integration
from tests.factories import NOON
from tests.hub.recipes.integrations import (
    CHANNEL,
    SYSTEM,
    age_integration,
    create_integration,
    store_channels,
)

SCOPES = ("integrations:read", "integrations:write")


@pytest.fixture
def acme(make):
    tenant = make.tenant("acme")
    make.connection(tenant, "slack")
    return tenant


@pytest.fixture
def client(api, acme):
    return api.of(acme, scopes=SCOPES)


def create(client, answers=CHANNEL, **body):
    return client.post(
        "/api/v1/integrations",
        {"recipe": "order_to_slack", "answers": answers, **body},
        format="json",
    )


def url_of(response, *rest):
    return "/".join([f"/api/v1/integrations/{response.json()['id']}", *rest])


def test_recipes_are_listed_with_their_questions(client):
    items = client.get("/api/v1/recipes").json()["items"]
    assert [item["key"] for item in items] == list(RECIPES)
    recipe = client.get("/api/v1/recipes/order_to_slack").json()
    assert recipe in items
    assert [question["key"] for question in recipe["questions"]] == ["slack", "channel"]
    assert client.get("/api/v1/recipes/nothing").status_code == 404


def test_a_rehearsal_shows_the_message(make, acme, client):
    event = make.event(acme)
    url = "/api/v1/recipes/order_to_slack/rehearsals"
    answer = client.post(url, {"answers": CHANNEL}, format="json").json()
    assert answer["succeeds"] is True
    (part,) = answer["parts"]
    assert part["event"] == str(event.public_id)
    assert part["result"]["result"]["channel"] == "C024BE91L"
    assert not Route.unscoped.exists()


def test_wrong_answers_are_named_by_their_pointers(client):
    answer = create(client, {"channel": "#orders", "colour": "red"})
    assert answer.status_code == 400
    pointers = {error["pointer"] for error in answer.json()["errors"]}
    assert pointers == {"/answers/channel", "/answers/colour"}


@pytest.mark.corrections(item="1.21")
def test_a_channel_that_the_workspace_does_not_have_is_refused(client):
    slack = Connection.unscoped.get(connector_key="slack")
    store_channels(slack, "C0TEA1234", "C0OTHER99")
    rehearsal = {"answers": {"channel": "C0NOWHERE"}}
    on = create(client, {"channel": "C0OTHER99"})
    for answer in (
        client.post("/api/v1/recipes/order_to_slack/rehearsals", rehearsal, format="json"),
        create(client, {"channel": "C0NOWHERE"}),
        client.patch(url_of(on), rehearsal, format="json"),
    ):
        (error,) = answer.json()["errors"]
        assert (answer.status_code, error["pointer"]) == (400, "/answers/channel")
        assert "C0NOWHERE" in error["detail"]


@pytest.mark.corrections(item="1.21")
def test_a_stored_channel_that_is_gone_does_not_prevent_another_change(client, make, acme):
    make.connection(acme, "salesforce")
    slack = Connection.unscoped.get(connector_key="slack")
    on = create(client, recipe="weekly_sales_to_slack")
    store_channels(slack, "C0TEA1234")
    answer = client.patch(url_of(on), {"answers": {"hour": 5}}, format="json")
    assert (answer.status_code, answer.json()["answers"]["hour"]) == (200, 5)


def test_an_integration_is_switched_on_and_read(client):
    answer = create(client)
    assert answer.status_code == 201
    assert answer["Location"].endswith(url_of(answer))
    stored = client.get(url_of(answer)).json()
    assert stored == answer.json()
    route = Route.unscoped.get()
    assert (stored["state"], stored["parts"][0]["id"]) == ("on", str(route.public_id))
    assert client.get("/api/v1/integrations").json()["items"] == [stored]
    assert client.get("/api/v1/integrations?state=paused").json()["items"] == []


@pytest.mark.parametrize("key", RECIPES)
def test_every_recipe_is_switched_on_by_one_request(make, acme, client, key):
    for connector in ("salesforce", "splunk"):
        make.connection(acme, connector)
    make.connection(acme, "pipedrive", secret={})
    make.connection(connector="app")
    questions = {question.key for question in RECIPES[key].questions}
    answers = {name: value for name, value in CHANNEL.items() if name in questions}
    answer = create(client, answers, recipe=key)
    assert answer.status_code == 201
    assert [part["key"] for part in answer.json()["parts"]] == [
        part.key for part in RECIPES[key].parts
    ]


def test_a_recipe_of_our_application_needs_its_connection(make, acme, client):
    make.connection(acme, "salesforce")
    answer = create(client, {}, recipe="salesforce_order_to_label")
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/answers/app"]


def test_the_same_again_is_a_conflict(client):
    first = create(client).json()
    again = create(client)
    assert again.status_code == 409
    assert again["Location"].endswith(f"/integrations/{first['id']}")


def test_a_platform_key_names_the_tenant(api, acme):
    platform = api.platform(scopes=list(SCOPES))
    assert create(platform).json()["code"] == "tenant-required"
    assert create(platform, tenant="acme").status_code == 201
    assert create(platform, tenant="nobody").status_code == 404


def test_answers_are_changed(client):
    answer = create(client)
    changed = client.patch(url_of(answer), {"answers": {"channel": "C0OTHER99"}}, format="json")
    assert changed.json()["answers"]["channel"] == "C0OTHER99"
    assert Route.unscoped.get().mapping.current.body["channel"] == "'C0OTHER99'"


def test_it_is_paused_and_resumed(client):
    answer = create(client)
    assert client.post(url_of(answer, "pause")).json()["state"] == "paused"
    assert client.post(url_of(answer, "pause")).status_code == 409
    assert client.post(url_of(answer, "resume")).json()["state"] == "on"


def test_it_is_removed_whole(client):
    answer = create(client)
    assert client.delete(url_of(answer)).status_code == 204
    assert client.get(url_of(answer)).status_code == 404
    assert not Route.unscoped.exists()


def test_a_newer_version_is_described_and_applied(client):
    answer = create(client)
    assert client.get(url_of(answer, "upgrade")).status_code == 409
    Integration.unscoped.update(recipe_version=0)
    assert client.get(url_of(answer)).json()["newer_version"] == 1
    upgrade = client.get(url_of(answer, "upgrade")).json()
    assert (upgrade["from_version"], upgrade["to_version"]) == (0, 1)
    assert client.post(url_of(answer, "upgrade"), {}, format="json").json()["recipe_version"] == 1


@pytest.mark.corrections(item="1.22")
def test_an_upgrade_names_what_it_changes_and_what_it_keeps(acme, client):
    integration = age_integration(create_integration(acme), text="'OLD'")
    body = integration.parts.get().mapping.current.body | {"icon_emoji": "':tea:'"}
    change_mapping(integration.parts.get().mapping, SYSTEM, body=body, now=NOON)
    answer = client.get(f"/api/v1/integrations/{integration.public_id}/upgrade")
    assert answer.status_code == 200
    (difference,) = answer.json()["differences"]
    assert difference["kept"] == ["mapping.icon_emoji"]
    assert "mapping.text" in [change["path"] for change in difference["changes"]]


def test_its_activity_of_a_week_is_read(make, acme, client):
    answer = create(client)
    make.event(acme, now=Integration.unscoped.get().created_at)
    activity = client.get(url_of(answer, "activity")).json()
    assert (activity["waiting"], activity["partial"]) == (1, False)


def test_another_tenants_account_is_not_found(make, client):
    other = make.connection(make.tenant("globex"), "slack")
    answer = create(client, CHANNEL | {"slack": str(other.public_id)})
    assert answer.json()["errors"][0]["pointer"] == "/answers/slack"


def test_a_list_needs_a_fixed_number_of_statements(client):
    create(client)
    with CaptureQueriesContext(database) as few:
        client.get("/api/v1/integrations")
    for number in range(5):
        create(client, {"channel": f"C0OTHER{number}0"})
    with CaptureQueriesContext(database) as many:
        client.get("/api/v1/integrations")
    assert len(few) == len(many)
