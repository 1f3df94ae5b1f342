"""Many discrepancies are repaired by one operation."""

import pytest
from django.db import connection as database
from django.db import transaction

from hub.audit import SYSTEM, ActorContext, AuditRow
from hub.operations import operation_actions
from hub.operations.models import Operation
from hub.outgoing.models import Delivery
from hub.scheduled.models import Discrepancy
from hub.scheduled.repairs.execute import repair_batch
from tests.hub.scheduled.reconciliation.world import OPTIONS, ReconciliationScenario
from tests.hub.scheduled.repairs.discrepancies import ACTOR, plan, plant_differences
from tests.row_locks import run_beside

pytestmark = pytest.mark.django_db


@pytest.mark.django_db(transaction=True)
def test_an_operation_waits_for_rows_that_another_transaction_has_locked(make):
    if database.vendor == "sqlite":
        pytest.skip("SQLite has no row locks")
    world = ReconciliationScenario(make)
    plant_differences(world)
    world.reconcile()
    operation = plan(world)
    rows = Discrepancy.unscoped.select_for_update().filter(field="status")
    result = run_beside(
        lambda: list(rows),
        transaction.atomic(lambda: repair_batch(operation, 200, now=world.clock())),
        lambda: None,
    )
    assert result.done == operation.count


def test_all_that_match_are_repaired_by_one_delivery_for_each_record_and_side(world):
    plant_differences(world)
    world.reconcile()
    operation = plan(world)
    assert operation.count == 16
    operation_actions.confirm_operation(operation, ACTOR, now=world.clock())
    world.run_operations()
    world.check_repairs()
    assert Delivery.unscoped.filter(low_priority=True).count() == 16
    assert world.repair() == 16
    before = (world.orders.write_count, world.deals.write_count)
    result = world.reconcile()
    assert (world.find_discrepancies(), result["equal"], result["compared"]) == (set(), 42, 42)
    assert (world.orders.write_count, world.deals.write_count) == before == (8, 8)


def test_a_batch_does_not_divide_the_fields_of_a_record(make):
    fields = [{**field, "owner": "theirs"} for field in OPTIONS["fields"]]
    world = ReconciliationScenario(make, fields=fields)
    for number in range(3):
        world.plant(number, there={"status": "won", "value": 13})
    world.reconcile()
    operation = plan(world)
    cursor, batches = 0, 0
    while cursor is not None:
        operation.cursor = cursor
        cursor = repair_batch(operation, 3, now=world.clock()).cursor
        batches += 1
    assert world.repair() == 3
    assert Delivery.unscoped.count() == 3
    assert world.reconcile()["equal"] == 3


def test_an_operation_leaves_one_audit_row_for_each_step_and_none_for_each_repair(world):
    plant_differences(world)
    world.reconcile()
    before = AuditRow.objects.count()
    operation = plan(world, field="status")
    operation_actions.confirm_operation(operation, ACTOR, now=world.clock())
    world.run_operations()
    assert AuditRow.objects.count() - before <= 4  # plan, confirm, the route's mapping, finish


def test_a_plan_of_repairs_has_no_hourly_limit(world, settings):
    settings.HUB_OPERATION_ROWS_PER_HOUR = 1
    plant_differences(world)
    world.reconcile()
    operation = plan(world)
    actor = ActorContext(SYSTEM)
    operation_actions.confirm_operation(operation, actor, now=world.clock())
    assert Operation.unscoped.get(pk=operation.pk).state == "running"
