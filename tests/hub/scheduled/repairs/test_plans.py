"""A plan of repairs does what it promises, whatever runs end before its operation begins."""

from decimal import Decimal

import pytest
from django.urls import reverse

from hub.connections.models import KillSwitch
from hub.operations import operation_actions
from hub.operations.models import Operation
from hub.operations.operation_runner import run_batch
from hub.scheduled.models import Discrepancy
from tests.hub.scheduled.reconciliation.world import OPTIONS, ReconciliationScenario
from tests.hub.scheduled.repairs.discrepancies import ACTOR, plan, plant_differences

pytestmark = pytest.mark.django_db


def run_plan(world, operation):
    if operation.state == "planned":
        operation_actions.confirm_operation(operation, ACTOR, now=world.clock())
    world.run_operations()
    operation.refresh_from_db()
    return operation


@pytest.mark.corrections(item="1.9")
def test_the_repairs_of_a_run_are_made_though_the_next_run_ends_before_they_begin(make):
    world = ReconciliationScenario(make, mode="apply")
    plant_differences(world)
    world.reconcile()
    operation = Operation.unscoped.get()
    world.job.options["mode"] = "propose"
    world.job.save()
    world.reconcile()
    operation = run_plan(world, operation)
    assert (operation.count, operation.processed_count) == (16, 16)
    assert world.repair() == 16


@pytest.mark.corrections(item="1.19")
@pytest.mark.parametrize("scope", ["scheduled", "platform"])
def test_what_a_run_started_waits_while_scheduled_work_is_switched_off(make, scope):
    world = ReconciliationScenario(make, mode="apply")
    plant_differences(world)
    world.reconcile()
    operation = Operation.unscoped.get()
    switch = KillSwitch.unscoped.create(scope=scope, reason="incident")
    assert not run_batch(operation.pk, now=world.clock())
    operation.refresh_from_db()
    assert (operation.state, operation.processed_count) == ("running", 0)
    switch.delete()
    assert run_plan(world, operation).processed_count == 16


@pytest.mark.corrections(item="1.19")
def test_no_repair_is_sent_while_scheduled_work_is_switched_off(make):
    world = ReconciliationScenario(make, mode="apply")
    plant_differences(world)
    world.reconcile()
    world.run_operations()
    switch = KillSwitch.unscoped.create(scope="scheduled", reason="incident")
    assert world.repair() == 0
    switch.delete()
    assert world.repair() == 16


@pytest.mark.corrections(item="1.9")
def test_what_only_a_later_run_found_is_no_part_of_an_earlier_plan(world):
    world.plant(1, there={"status": "won"})
    world.reconcile()
    operation = plan(world, run=str(world.job.runs.latest("pk").public_id))
    world.plant(2, there={"status": "won"})
    world.reconcile()
    assert run_plan(world, operation).processed_count == 1
    assert Discrepancy.unscoped.get(state="repairing").record_key == "A-00001"


@pytest.mark.corrections(item="1.9")
def test_a_plan_promises_what_it_does(make):
    fields = [{**field, "owner": "report"} for field in OPTIONS["fields"][:1]]
    world = ReconciliationScenario(make, fields=[*fields, OPTIONS["fields"][1]])
    for number in range(6):
        world.plant(number, there={"status": "won", "value": 13 if number < 4 else 12.5})
    world.orders.put("B-1", state="open")
    world.reconcile()
    world.reconcile()
    operation = run_plan(world, plan(world))
    assert (operation.count, operation.processed_count, operation.excluded_count) == (4, 4, 0)


@pytest.mark.corrections(item="1.9")
def test_a_plan_leaves_out_values_that_cannot_be_written(make):
    status = {"type": "picklist", "values": {"open": "A", "paid": "B"}, "owner": "theirs"}
    world = ReconciliationScenario(make, fields=[{**OPTIONS["fields"][0], **status}])
    world.plant(1, there={"status": "B"})
    world.plant(2, there={"status": "Z"})
    world.reconcile()
    operation = run_plan(world, plan(world))
    assert (operation.count, operation.processed_count) == (1, 1)


@pytest.mark.corrections(item="1.9")
def test_a_plan_shows_what_will_be_written_row_by_row(make, client):
    world = ReconciliationScenario(make, missing={"there": "create"})
    world.plant(1, there={"status": "won", "value": 13})
    world.plant(2, there={"value": Decimal("1234567890123456.78")})
    world.orders.put("B-1", state="lost", total=7)
    world.reconcile()
    world.reconcile()
    operation = plan(world)
    writes = {
        (entry["record_key"], entry["field"]): (entry["side"], entry["before"], entry["after"])
        for entry in operation.facts["discrepancies"]
    }
    assert writes == {
        ("A-00001", "status"): ("remote", "won", "open"),
        ("A-00001", "total"): ("local", "12.5", "13"),
        ("A-00002", "total"): ("local", "12.5", "1234567890123456.78"),
        ("B-1", ""): ("remote", "–", '{"status": "lost", "value": 7, "title": "B-1"}'),
    }
    client.force_login(make.staff(is_superuser=True))
    page = client.get(reverse("admin:operations_operation_change", args=[operation.pk]))
    assert "the other system: won → open" in " ".join(page.content.decode().split())
