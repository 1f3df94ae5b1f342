"""Repairs of what reconciliations found."""

from datetime import timedelta

import pytest
from django.db import connection as database
from django.db import transaction

from connectors.http import Response
from hub.audit import SYSTEM, ActorContext, AuditRow
from hub.db.state_machine import InvalidTransition
from hub.notices.models import Notice
from hub.operations import operation_actions
from hub.operations.models import Operation
from hub.outgoing.models import Delivery
from hub.scheduled.models import Discrepancy, Job
from hub.scheduled.repairs.discrepancy_actions import (
    RepairRefused,
    ignore_discrepancy,
    plan_repairs,
    repair_discrepancy,
    stop_ignoring,
)
from hub.scheduled.repairs.execute import repair_batch
from hub.scheduled.runs.context import RunStopped
from tests.factories import NOON
from tests.hub.scheduled.reconciliation.test_runs import Interruption
from tests.hub.scheduled.reconciliation.world import OPTIONS, World
from tests.row_locks import run_beside

pytestmark = pytest.mark.django_db
ACTOR = ActorContext(SYSTEM, unrestricted=True)


@pytest.fixture
def world(make):
    return World(make)


def plant_differences(world, count=12):
    """Plant records that differ in the status, in the total, or in both."""
    for number in range(30):
        world.plant(number)
    for number in range(100, 100 + count):
        there = [{"status": "won"}, {"value": "13.00"}, {"status": "won", "value": 14}][number % 3]
        world.plant(number, there=there)


def discrepancy(world, key="A-00001", field="status"):
    return Discrepancy.unscoped.get(job=world.job, record_key=key, field=field)


def test_a_repair_writes_the_owners_value_and_the_next_run_finds_nothing(world):
    world.plant(1, there={"status": "won", "value": "13.00"})
    world.reconcile()
    for field in ("status", "total"):
        repair_discrepancy(discrepancy(world, field=field), ACTOR, now=world.clock())
    assert discrepancy(world).replaced_value == "won"
    assert world.repair() == 2
    assert discrepancy(world).state == "resolved"
    assert world.deals.records["00001"]["status"] == "open"
    assert world.orders.records["A-00001"]["total"] == 13
    assert world.reconcile()["equal"] == 1
    assert world.found() == set()


def test_a_person_may_choose_the_side_that_is_changed(world):
    world.plant(1, there={"status": "won"})
    world.reconcile()
    repair_discrepancy(discrepancy(world), ACTOR, side="local", now=world.clock())
    world.repair()
    assert world.orders.records["A-00001"]["state"] == "won"


def test_a_record_that_changed_after_it_was_compared_is_not_overwritten(world):
    world.plant(1, there={"value": 13})
    world.reconcile()
    repair_discrepancy(discrepancy(world, field="total"), ACTOR, now=world.clock())
    world.orders.put("A-00001", total=99)
    assert world.repair() == 0
    found = discrepancy(world, field="total")
    assert (found.state, found.reason) == ("open", "changed_since")
    assert world.orders.records["A-00001"]["total"] == 99


def test_a_discrepancy_is_repaired_once(world):
    world.plant(1, there={"status": "won"})
    world.reconcile()
    found = discrepancy(world)
    repair_discrepancy(found, ACTOR, now=world.clock())
    with pytest.raises(InvalidTransition):
        repair_discrepancy(found, ACTOR, now=world.clock())
    world.check_repairs()
    world.check_repairs()
    assert Delivery.unscoped.count() == 1


def test_what_cannot_be_repaired_says_why_and_stays_as_it_is(world):
    world.orders.put("B-1", state="open")
    world.deals.put("00100", title="A-1", status="open")
    world.deals.put("00101", title="A-1", status="open")
    world.reconcile()
    world.reconcile()  # the first one had seen them change
    for key, field, reason in (("B-1", "", "report_only"), ("A-1", "", "ambiguous")):
        found = discrepancy(world, key, field)
        with pytest.raises(RepairRefused) as refused:
            repair_discrepancy(found, ACTOR, now=world.clock())
        assert refused.value.reason == reason
        assert discrepancy(world, key, field).state == found.state


def test_an_ignored_discrepancy_can_be_shown_again(world):
    world.plant(1, there={"status": "won"})
    world.reconcile()
    ignore_discrepancy(discrepancy(world), "known", ACTOR, now=world.clock())
    world.reconcile()
    assert discrepancy(world).state == "ignored"
    with pytest.raises(InvalidTransition):
        repair_discrepancy(discrepancy(world), ACTOR, now=world.clock())
    stop_ignoring(discrepancy(world), ACTOR, now=world.clock())
    assert discrepancy(world).state == "open"


# --- read again ---------------------------------------------------------------------------------


def test_where_the_system_has_no_precondition_the_record_is_read_again_before(world):
    world.plant(1, there={"status": "won"})
    world.reconcile()
    repair_discrepancy(discrepancy(world), ACTOR, now=world.clock())
    assert (discrepancy(world).reason, Delivery.unscoped.count()) == ("awaiting_read", 0)
    world.deals.put("00001", status="lost")
    world.check_repairs()
    assert (discrepancy(world).state, discrepancy(world).reason) == ("open", "changed_since")
    assert not Delivery.unscoped.exists()


def test_such_a_repair_expires_60_seconds_after_the_record_was_read(world):
    world.plant(1, there={"status": "won"})
    world.reconcile()
    repair_discrepancy(discrepancy(world), ACTOR, now=world.clock())
    world.check_repairs()
    delivery = Delivery.unscoped.get()
    assert delivery.expires_at - world.clock.at <= timedelta(seconds=60)


def test_no_more_repairs_are_read_again_than_can_be_sent_within_a_minute(world):
    for number in range(250):
        world.plant(number, there={"status": "won"})
    world.orders.page_size = world.deals.page_size = 1000
    world.reconcile()
    operation = plan(world)
    operation_actions.confirm_operation(operation, ACTOR, now=world.clock())
    world.run_operations()
    for _ in range(3):
        world.check_repairs()
    assert Delivery.unscoped.filter(state="waiting").count() == 200
    assert world.deliver() == 200
    world.check_repairs()
    assert world.repair() == 50
    assert world.reconcile()["equal"] == 250


def test_a_delivered_repair_without_effect_is_open_again(world):
    world.plant(1, there={"value": 13})
    world.reconcile()
    repair_discrepancy(discrepancy(world, field="total"), ACTOR, now=world.clock())
    world.deliver()
    world.orders.put("A-00001", total=12.5)
    world.check_repairs()
    found = discrepancy(world, field="total")
    assert (found.state, found.reason) == ("open", "repair_without_effect")


def test_two_fields_of_one_record_can_be_repaired_one_after_the_other(make):
    fields = [{**field, "owner": "theirs"} for field in OPTIONS["fields"]]
    world = World(make, fields=fields)
    world.plant(1, there={"status": "won", "value": 13})
    world.reconcile()
    for field in ("status", "total"):
        repair_discrepancy(discrepancy(world, field=field), ACTOR, now=world.clock())
        assert world.repair() == 1
    assert world.reconcile()["equal"] == 1


def test_a_repair_of_one_field_makes_no_other_field_the_newer_one(make):
    fields = [{**field, "owner": "newer"} for field in OPTIONS["fields"]]
    world = World(make, fields=fields)
    key = world.plant(1, there={"status": "won", "value": 13})
    world.orders.put(key, NOON - timedelta(hours=1), total=12.5)
    world.reconcile()
    for field in ("status", "total"):
        repair_discrepancy(discrepancy(world, field=field), ACTOR, now=world.clock())
        assert (discrepancy(world, field=field).repair_side, world.repair()) == ("remote", 1)
    assert world.orders.records[key]["total"] == 12.5


def test_a_later_run_does_not_take_a_record_that_we_repaired_for_the_newer_one(make):
    fields = [{**field, "owner": "newer"} for field in OPTIONS["fields"]]
    world = World(make, fields=fields)
    key = world.plant(1, there={"status": "won", "value": 13})
    world.orders.put(key, NOON - timedelta(hours=1), total=12.5)
    world.reconcile()
    repair_discrepancy(discrepancy(world), ACTOR, now=world.clock())
    assert world.repair() == 1
    world.reconcile()
    repair_discrepancy(discrepancy(world, field="total"), ACTOR, now=world.clock())
    assert discrepancy(world, field="total").repair_side == "remote"


def test_repairs_that_cannot_be_checked_do_not_stop_the_others(world):
    world.plant(1, there={"status": "won", "value": 13})
    world.reconcile()
    for field in ("status", "total"):
        repair_discrepancy(discrepancy(world, field=field), ACTOR, now=world.clock())
    world.check_repairs()
    world.deliver()
    status, total = OPTIONS["fields"]
    fields = [{**status, "remote": "status || title"}, total]
    Job.unscoped.update(options={**OPTIONS, "fields": fields})
    world.check_repairs()
    assert discrepancy(world, field="total").state == "resolved"
    assert discrepancy(world).state == "repairing"


def test_no_parameter_of_a_job_prevents_that_its_records_are_read_again(world):
    world.plant(1, there={"status": "won"})
    world.reconcile()
    repair_discrepancy(discrepancy(world), ACTOR, now=world.clock())
    remote = {"collection": "deals", "query": {"tenant": "x"}}
    Job.unscoped.update(options={**OPTIONS, "remote": remote})
    assert world.repair() == 1


def test_a_record_that_cannot_be_read_for_an_hour_is_open_again(world):
    world.plant(1, there={"status": "won"})
    world.reconcile()
    repair_discrepancy(discrepancy(world), ACTOR, now=world.clock())
    world.deals.answer = lambda request: Response(503)
    world.check_repairs()
    assert discrepancy(world).state == "repairing"
    world.clock.at += timedelta(hours=2)
    world.check_repairs()
    assert discrepancy(world).reason == "cannot_be_read_again"


@pytest.fixture
def unread(world):
    """A world with a repair that was delivered, and whose record cannot be read since."""
    world.plant(1, there={"status": "won"})
    world.reconcile()
    repair_discrepancy(discrepancy(world), ACTOR, now=world.clock())
    world.check_repairs()
    world.deliver()
    world.deals.is_away = True
    world.clock.at += timedelta(minutes=3)
    world.check_repairs()
    return world


def test_a_delivered_repair_that_cannot_be_read_is_not_proven(unread):
    found = discrepancy(unread)
    assert (found.state, found.reason) == ("repairing", "repair_unverified")
    requests = len(unread.deals.pages_read)
    unread.check_repairs()
    assert len(unread.deals.pages_read) == requests  # it is asked again later


def test_a_repair_that_was_not_proven_is_settled_by_a_later_read(unread):
    unread.deals.is_away = False
    unread.clock.at += timedelta(hours=1)
    unread.check_repairs()
    assert (discrepancy(unread).state, discrepancy(unread).reason) == ("resolved", "repaired")


def test_a_repair_that_was_not_proven_is_settled_by_the_next_run(unread):
    unread.deals.is_away = False
    unread.reconcile()
    found = discrepancy(unread)
    assert (found.state, found.reason) == ("resolved", "repaired")
    assert found.repaired_at


def test_a_repair_that_was_not_proven_and_not_made_is_open_after_the_next_run(unread):
    unread.deals.is_away = False
    unread.deals.put("00001", NOON, status="won")
    unread.reconcile()
    found = discrepancy(unread)
    assert (found.state, found.reason) == ("open", "repair_without_effect")


def test_a_repair_that_nothing_proved_for_a_week_is_open_again(unread):
    unread.clock.at += timedelta(days=8)
    unread.check_repairs()
    found = discrepancy(unread)
    assert (found.state, found.reason) == ("open", "repair_unverified")


def create_missing(make):
    world = World(make, missing={"there": "create"})
    world.orders.put("B-1", NOON - timedelta(days=1), state="open", total=8)
    world.reconcile()
    repair_discrepancy(discrepancy(world, "B-1", ""), ACTOR, now=world.clock())
    world.check_repairs()
    world.deliver()
    return world


def test_a_record_that_a_repair_created_is_read_before_it_is_resolved(make):
    world = create_missing(make)
    requests = len(world.deals.pages_read)
    world.check_repairs()
    assert len(world.deals.pages_read) > requests
    assert discrepancy(world, "B-1", "").state == "resolved"


def test_a_created_record_without_its_values_is_open_again(make):
    world = create_missing(make)
    world.deals.put("00000", status="lost")
    world.check_repairs()
    found = discrepancy(world, "B-1", "")
    assert (found.state, found.reason) == ("open", "repair_without_effect")


def test_a_run_does_not_resolve_a_repair_whose_delivery_waits(world):
    world.plant(1, there={"status": "won"})
    world.reconcile()
    repair_discrepancy(discrepancy(world), ACTOR, now=world.clock())
    world.check_repairs()
    world.deals.put("00001", NOON - timedelta(hours=1), status="open")  # by another person
    world.reconcile()
    assert discrepancy(world).state == "repairing"
    world.repair()
    assert discrepancy(world).state == "resolved"


def test_a_run_that_finds_neither_record_does_not_resolve_a_repair_whose_delivery_waits(world):
    world.plant(1, there={"status": "won"})
    world.reconcile()
    repair_discrepancy(discrepancy(world), ACTOR, now=world.clock())
    world.check_repairs()
    world.orders.records.clear()
    world.deals.records.clear()
    world.reconcile()
    assert discrepancy(world).state == "repairing"


@pytest.mark.django_db(transaction=True)
def test_an_operation_waits_for_rows_that_another_transaction_has_locked(make):
    if database.vendor == "sqlite":
        pytest.skip("SQLite has no row locks")
    world = World(make)
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


# --- all that match -------------------------------------------------------------------------------


def plan(world, **filter):
    return plan_repairs(
        {"job": str(world.job.public_id), **filter},
        ACTOR,
        tenant=world.tenant,
        reason="agreed",
        now=world.clock(),
    )


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
    assert (world.found(), result["equal"], result["compared"]) == (set(), 42, 42)
    assert (world.orders.write_count, world.deals.write_count) == before == (8, 8)


def test_a_batch_does_not_divide_the_fields_of_a_record(make):
    fields = [{**field, "owner": "theirs"} for field in OPTIONS["fields"]]
    world = World(make, fields=fields)
    for number in range(3):
        world.plant(number, there={"status": "won", "value": 13})
    world.reconcile()
    operation = plan(world)
    cursor, batches = 0, 0
    while cursor is not None:
        operation.cursor = cursor
        cursor = repair_batch(operation, 3, now=world.clock()).cursor
        batches += 1
    assert Delivery.unscoped.count() == 3
    assert world.repair() == 3
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


# --- applied by the run ---------------------------------------------------------------------------


def test_a_run_that_applies_repairs_what_it_found(make):
    world = World(make, mode="apply")
    plant_differences(world)
    result = world.reconcile()
    assert (result["repairs"]["state"], result["repairs"]["changes"]) == ("repairing", 12)
    world.run_operations()
    world.repair()
    writes = (world.orders.write_count, world.deals.write_count)
    assert world.reconcile()["repairs"]["state"] == "none"
    assert world.found() == set()
    assert (world.orders.write_count, world.deals.write_count) == writes


@pytest.mark.parametrize("hook", ["before_save", "after_save"])
def test_a_run_that_is_interrupted_before_its_repairs_repairs_once(make, hook):
    world = World(make, mode="apply")
    plant_differences(world)
    for number in range(1, 25, 2):
        run = world.start()
        setattr(world, hook, Interruption(number))
        world.execute_to_end(run)
        world.run_operations()
        world.repair()
        assert (world.orders.write_count, world.deals.write_count) == (8, 8)
    assert world.found() == set()


def test_a_dry_run_changes_nothing(make):
    world = World(make, mode="apply")
    plant_differences(world)
    result = world.reconcile(is_dry=True)
    assert (result["repairs"]["state"], result["repairs"]["changes"]) == ("dry", 12)
    assert not Operation.unscoped.exists()
    assert not Delivery.unscoped.exists()


def test_more_changes_than_the_limits_allow_need_a_person(make):
    world = World(make, mode="apply", limits={"share": 0.1, "count": 500})
    plant_differences(world)
    result = world.reconcile()
    assert result["repairs"]["state"] == "stopped"
    assert not Delivery.unscoped.exists()
    assert Notice.unscoped.get().message == "repairs_stopped"
    operation = plan(world, run=str(world.job.runs.latest("pk").public_id))
    operation_actions.confirm_operation(operation, ACTOR, now=world.clock())
    world.run_operations()
    assert world.repair() == 16


def test_what_the_limits_stopped_is_not_repaired_by_a_later_run_that_could_not_judge_it(make):
    world = World(make, mode="apply", missing={"here": "create"}, limits={"share": 1, "count": 3})
    for number in range(12):
        world.plant(number)
    for number in range(5):
        long_ago = NOON - timedelta(days=1)
        world.deals.put(f"0010{number}", long_ago, title=f"C-{number}", status="won", value=8)
    assert world.reconcile()["repairs"]["state"] == "stopped"
    world.deals.put("00001", NOON - timedelta(days=1), status="won")
    world.orders.cut_pages = 3  # what is missing here is not proven now
    result = world.reconcile()
    assert (result["repairs"]["state"], result["repairs"]["changes"]) == ("repairing", 1)
    world.run_operations()
    world.repair()
    assert not any(key.startswith("C-") for key in world.orders.records)
    assert world.deals.records["00001"]["status"] == "open"


def test_missing_records_are_created_where_the_job_says_so(make):
    world = World(make, mode="apply", missing={"here": "create", "there": "create"})
    long_ago = world.clock()
    world.orders.put("B-1", long_ago, state="open", total="7.50")
    world.deals.put("00100", long_ago, title="C-1", status="won", value=8)
    world.orders.put("B-2", long_ago, state="open", total=1)
    world.deals.put("00102", long_ago, title="B-2", status="open", value=1, deleted=True)
    world.reconcile()
    world.run_operations()
    assert world.repair() == 2
    assert world.orders.records["C-1"]["state"] == "won"
    world.reconcile()
    assert world.found() == {("B-2", "missing_there")}
    assert discrepancy(world, "B-2", "").reason == "deleted_there"


def test_a_run_that_lost_its_lease_plans_no_repairs(make):
    world = World(make, mode="apply")
    plant_differences(world)
    run = world.start()

    def lose_lease():
        raise RunStopped

    world.before_save = lose_lease
    with pytest.raises(RunStopped):
        world.execute(run)
    assert not Delivery.unscoped.exists()
    assert not Operation.unscoped.exists()
