"""Integrations are switched on, changed, paused, resumed and removed whole; each is audited."""

import json

import pytest

from hub.mappings.mapping_actions import change_mapping
from hub.mappings.models import Identity
from hub.outgoing.models import Delivery, Route
from hub.recipes import integration_actions
from hub.recipes.answers import InvalidAnswers
from hub.recipes.definitions import RECIPES
from hub.recipes.integration_actions import (
    IntegrationExists,
    TooManyIntegrations,
    change_answers,
    remove_integration,
)
from hub.recipes.models import Integration
from tests.factories import NOON
from tests.hub.recipes.integrations import (
    CHANNEL,
    SYSTEM,
    create_integration,
    list_audited_verbs,
    route_of,
)

WEEKLY = CHANNEL | {"hour": "7", "weekday": "5"}


def body_of(integration):
    return route_of(integration).mapping.current.body


def test_switching_on_makes_a_route_with_its_mapping(acme):
    integration = create_integration(acme, names={"channel": "#orders"})
    route = route_of(integration)
    assert (route.tenant, route.event_type, route.enabled) == (acme, "order.created", True)
    assert route.connection.connector_key == "slack"
    assert route.mapping.current.body["channel"] == "'C024BE91L'"
    assert integration.answers["slack"] == str(route.connection.public_id)
    assert integration.answer_names == {"channel": "#orders"}
    assert list_audited_verbs()[-1] == "integration.switch_on"


def test_an_answer_is_a_constant_of_the_mapping_and_no_identity(acme):
    mapping = route_of(create_integration(acme, names={"channel": "#orders"})).mapping
    assert mapping.current.body["channel"] == "'C024BE91L'" and not Identity.unscoped.exists()


def test_switching_on_makes_a_job_at_the_hour_that_was_chosen(acme):
    job = create_integration(acme, "weekly_sales_to_slack", WEEKLY).parts.get().job
    assert (job.cron, job.options["message"]["channel"]) == ("0 7 * * 5", "C024BE91L")
    assert job.connection.connector_key == "salesforce"
    assert job.schedules.get().next_slot_at > NOON


def test_an_order_is_sent_by_the_integration(make, acme):
    integration = create_integration(acme)
    event = make.event(acme)
    delivery = Delivery.unscoped.get(event=event)
    assert delivery.route == route_of(integration)
    assert delivery.state == "waiting"


def test_the_same_answers_again_make_no_second_integration(acme):
    first = create_integration(acme)
    with pytest.raises(IntegrationExists) as error:
        create_integration(acme)
    assert error.value.integration == first
    create_integration(acme, answers={"channel": "C0OTHER99"})
    assert Integration.objects.of(acme).count() == 2


def test_a_tenant_has_a_limited_number_of_integrations(acme):
    Integration.unscoped.bulk_create(
        Integration(tenant=acme, recipe_key="order_to_slack", recipe_version=1)
        for _ in range(integration_actions.MAX_INTEGRATIONS)
    )
    with pytest.raises(TooManyIntegrations):
        create_integration(acme)


@pytest.mark.parametrize(
    ("answers", "key"),
    [
        ({}, "channel"),
        ({"channel": "#orders"}, "channel"),
        ({"channel": 7}, "channel"),
        (CHANNEL | {"slack": "0193-of-nobody"}, "slack"),
        (CHANNEL | {"colour": "red"}, "colour"),
    ],
)
def test_wrong_answers_are_refused_and_nothing_is_made(acme, answers, key):
    with pytest.raises(InvalidAnswers) as error:
        create_integration(acme, answers=answers)
    assert list(error.value.errors) == [key]
    assert not Route.unscoped.exists() and not Integration.unscoped.exists()


@pytest.mark.parametrize("hour", ["24", -1, "9.5", True, "٣", "x" * 500])
def test_an_hour_is_from_0_to_23(acme, hour):
    with pytest.raises(InvalidAnswers):
        create_integration(acme, "weekly_sales_to_slack", WEEKLY | {"hour": hour})


def test_the_account_of_another_tenant_is_refused(make, acme):
    other = make.connection(make.tenant("globex"), "slack")
    with pytest.raises(InvalidAnswers) as error:
        create_integration(acme, answers=CHANNEL | {"slack": str(other.public_id)})
    assert "slack" in error.value.errors


def test_a_system_that_is_not_connected_is_named(make):
    with pytest.raises(InvalidAnswers) as error:
        create_integration(make.tenant())
    assert error.value.errors == {"slack": "Connect Slack first."}


def test_an_account_without_the_permission_is_refused(make):
    tenant = make.tenant()
    make.connection(tenant, "slack", permissions=["channels:read"])
    with pytest.raises(InvalidAnswers) as error:
        create_integration(tenant)
    assert error.value.errors == {"slack": "Reconnect Slack to allow: chat:write."}


HOSTILE = ["O'Brien", "a\\", "`", "'", "\\'", "{{channel}}", "') || data || ('"]


@pytest.mark.parametrize("stage", HOSTILE)
def test_no_answer_can_end_its_expression(make, acme, stage):
    create_integration(acme, "order_to_salesforce", {"stage": stage})
    delivery = Delivery.unscoped.get(event=make.event(acme))
    document = delivery.event.build_document(acme, {"number": 1, "total": 1, "currency": "EUR"})
    from hub.outgoing.insight.dry_run import dry_run_route

    version = delivery.route.mapping.current
    run = dry_run_route(delivery.route, version, document, acme, delivery.connection)
    assert json.loads(run.body)["fields"]["StageName"] == stage


# --- changed answers ------------------------------------------------------------------------------


def test_a_changed_answer_changes_what_was_made(acme):
    integration = create_integration(acme, names={"channel": "#orders"})
    change_answers(integration, {"channel": "C0OTHER99"}, SYSTEM, now=NOON)
    assert body_of(integration)["channel"] == "'C0OTHER99'"
    integration.refresh_from_db()
    assert integration.answers["channel"] == "C0OTHER99"
    assert integration.answer_names == {}
    assert list_audited_verbs()[-1] == "integration.change"


def test_answers_that_another_integration_has_are_refused(acme):
    first = create_integration(acme)
    second = create_integration(acme, answers={"channel": "C0OTHER99"})
    with pytest.raises(IntegrationExists) as refused:
        change_answers(second, CHANNEL, SYSTEM, now=NOON)
    assert refused.value.integration == first
    assert f"“{first}” is on" in str(refused.value) and str(first.public_id) not in str(
        refused.value
    )
    assert body_of(second)["channel"] == "'C0OTHER99'"
    remove_integration(first, SYSTEM, now=NOON)
    change_answers(second, CHANNEL, SYSTEM, now=NOON)
    assert body_of(second)["channel"] == "'C024BE91L'"


def test_what_a_person_changed_in_the_mapping_is_kept(acme):
    integration = create_integration(acme)
    body = body_of(integration) | {"text": "text(data.number)", "icon_emoji": "':tea:'"}
    change_mapping(route_of(integration).mapping, SYSTEM, body=body, now=NOON)
    change_answers(integration, {"channel": "C0OTHER99"}, SYSTEM, now=NOON)
    assert body_of(integration) == body | {"channel": "'C0OTHER99'"}


def test_answers_that_stay_the_same_change_and_audit_nothing(acme):
    integration = create_integration(acme)
    before = list_audited_verbs()
    change_answers(integration, CHANNEL, SYSTEM, now=NOON)
    assert list_audited_verbs() == before
    assert route_of(integration).mapping.versions.count() == 1


def test_a_part_that_was_deleted_is_made_again(acme):
    integration = create_integration(acme)
    route_of(integration).delete()
    change_answers(integration, CHANNEL, SYSTEM, now=NOON)
    assert route_of(integration).enabled


def test_a_wrong_answer_leaves_everything_as_it_was(acme):
    integration = create_integration(acme)
    with pytest.raises(InvalidAnswers):
        change_answers(integration, {"channel": ""}, SYSTEM, now=NOON)
    assert body_of(integration)["channel"] == "'C024BE91L'"


def test_every_recipe_has_a_title_and_a_summary():
    assert all(recipe.title and recipe.summary for recipe in RECIPES.values())
