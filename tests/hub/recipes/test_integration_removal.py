"""Integrations are paused, resumed and removed whole."""

import pytest

from hub.db.state_machine import InvalidTransition
from hub.mappings.mapping_actions import MappingInUse, delete_mapping
from hub.mappings.models import FieldMapping
from hub.outgoing.models import Delivery, Route
from hub.outgoing.subscriptions.mapping_copies import copy_mapping_for_routes
from hub.outgoing.subscriptions.route_actions import enable_route
from hub.recipes import integration_actions, part_actions
from hub.recipes.integration_actions import (
    change_answers,
    pause_integration,
    remove_integration,
    resume_integration,
)
from hub.recipes.models import Integration, IntegrationPart
from hub.scheduled.jobs.job_actions import disable_job
from hub.scheduled.models import Job
from tests.factories import NOON
from tests.hub.recipes.integrations import (
    CHANNEL,
    SYSTEM,
    create_integration,
    list_audited_verbs,
    route_of,
)

WEEKLY = CHANNEL | {"hour": "7", "weekday": "5"}


def disable_route(route, actor, *, now):
    enable_route(route, actor, enabled=False, now=now)


def test_a_paused_integration_takes_no_events_until_it_is_resumed(make, acme):
    integration = create_integration(acme)
    pause_integration(integration, SYSTEM, now=NOON)
    assert not Delivery.unscoped.filter(event=make.event(acme, id="1")).exists()
    resume_integration(integration, SYSTEM, now=NOON)
    assert Delivery.unscoped.filter(event=make.event(acme, id="2")).exists()
    with pytest.raises(InvalidTransition):
        resume_integration(integration, SYSTEM, now=NOON)


@pytest.mark.parametrize("key", ["order_to_slack", "weekly_sales_to_slack"])
def test_resuming_enables_nothing_that_a_person_had_disabled(acme, key):
    integration = create_integration(acme, key, CHANNEL)
    for name, disable in (("route", disable_route), ("job", disable_job)):
        if row := getattr(integration.parts.get(), name):
            disable(row, SYSTEM, now=NOON)
    pause_integration(integration, SYSTEM, now=NOON)
    resume_integration(integration, SYSTEM, now=NOON)
    assert not integration.parts.get().is_enabled


def test_a_paused_job_has_no_slots(acme):
    integration = create_integration(acme, "weekly_sales_to_slack", WEEKLY)
    pause_integration(integration, SYSTEM, now=NOON)
    assert Job.unscoped.get().schedules.get().next_slot_at is None


def test_answers_changed_while_it_is_paused_start_nothing(make, acme):
    integration = create_integration(acme)
    pause_integration(integration, SYSTEM, now=NOON)
    change_answers(integration, {"channel": "C0OTHER99"}, SYSTEM, now=NOON)
    assert not route_of(integration).enabled


@pytest.mark.parametrize("key", ["order_to_slack", "weekly_sales_to_slack"])
def test_an_integration_is_removed_whole(acme, key):
    integration = create_integration(acme, key, CHANNEL)
    remove_integration(integration, SYSTEM, now=NOON)
    for model in (Integration, IntegrationPart, Route, FieldMapping, Job):
        assert not model.unscoped.exists()
    assert "integration.remove" in list_audited_verbs()


def test_a_route_with_deliveries_is_disabled_and_deleted_after_them(make, acme):
    integration = create_integration(acme)
    delivery = Delivery.unscoped.get(event=make.event(acme))
    remove_integration(integration, SYSTEM, now=NOON)
    route = Route.unscoped.get()
    assert not route.enabled
    part_actions.sweep_retired_parts(now=NOON)
    assert Integration.unscoped.get().state == "removed"
    delivery.delete()
    part_actions.sweep_retired_parts(now=NOON)
    assert not Integration.unscoped.exists() and not FieldMapping.unscoped.exists()


def test_a_mapping_that_another_route_uses_is_kept(make, acme):
    integration = create_integration(acme)
    mapping = route_of(integration).mapping
    make.route(tenant=acme, connector="slack", mapping=mapping)
    remove_integration(integration, SYSTEM, now=NOON)
    assert not Integration.unscoped.exists()
    assert FieldMapping.unscoped.get() == mapping


def test_a_mapping_that_its_route_has_left_is_not_deleted_before_the_integration(acme):
    integration = create_integration(acme)
    route = route_of(integration)
    made = route.mapping
    copy_mapping_for_routes(made, acme, "Our own", [route], SYSTEM, now=NOON)
    with pytest.raises(MappingInUse):
        delete_mapping(made, SYSTEM, now=NOON)
    remove_integration(integration, SYSTEM, now=NOON)
    assert not Route.unscoped.exists()
    assert [mapping.name for mapping in FieldMapping.unscoped.all()] == ["Our own"]


def test_a_removed_integration_can_be_switched_on_again(make, acme):
    integration = create_integration(acme)
    make.event(acme)
    remove_integration(integration, SYSTEM, now=NOON)
    with pytest.raises(InvalidTransition):
        remove_integration(integration, SYSTEM, now=NOON)
    assert create_integration(acme) != integration


def test_a_tenant_is_deleted_with_its_integrations(make):
    tenant = make.tenant()
    Integration.unscoped.create(tenant=tenant, recipe_key="order_to_slack", recipe_version=1)
    tenant.delete()
    assert not Integration.unscoped.exists()


def test_an_integration_of_an_unknown_recipe_is_still_shown_and_removed(acme):
    integration = Integration.unscoped.create(tenant=acme, recipe_key="gone", recipe_version=1)
    assert (integration.title, integration.has_newer_recipe) == ("gone", False)
    with pytest.raises(integration_actions.RecipeUnavailable):
        change_answers(integration, {}, SYSTEM, now=NOON)
    remove_integration(integration, SYSTEM, now=NOON)
    assert not Integration.unscoped.exists()
