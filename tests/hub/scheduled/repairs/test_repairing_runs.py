"""Runs that repair what they found, within their limits."""

from datetime import timedelta
from decimal import Decimal

import pytest

from hub.notices.models import Notice
from hub.operations import operation_actions
from hub.operations.models import Operation
from hub.outgoing.models import Delivery
from hub.scheduled.runs.context import RunFailed, RunStopped
from tests.factories import NOON
from tests.hub.scheduled.reconciliation.world import Interruption, ReconciliationScenario
from tests.hub.scheduled.repairs.discrepancies import ACTOR, discrepancy, plan, plant_differences

pytestmark = pytest.mark.django_db


def test_a_run_that_applies_repairs_what_it_found(make):
    world = ReconciliationScenario(make, mode="apply")
    plant_differences(world)
    result = world.reconcile()
    assert (result["repairs"]["state"], result["repairs"]["changes"]) == ("repairing", 12)
    world.run_operations()
    world.repair()
    writes = (world.orders.write_count, world.deals.write_count)
    assert world.reconcile()["repairs"]["state"] == "none"
    assert world.find_discrepancies() == set()
    assert (world.orders.write_count, world.deals.write_count) == writes


@pytest.mark.parametrize("hook", ["before_save", "after_save"])
def test_a_run_that_is_interrupted_before_its_repairs_repairs_once(make, hook):
    world = ReconciliationScenario(make, mode="apply")
    plant_differences(world)
    for number in range(1, 25, 2):
        run = world.start()
        setattr(world, hook, Interruption(number))
        world.execute_to_end(run)
        world.run_operations()
        world.repair()
        assert (world.orders.write_count, world.deals.write_count) == (8, 8)
    assert world.find_discrepancies() == set()


def test_a_dry_run_changes_nothing(make):
    world = ReconciliationScenario(make, mode="apply")
    plant_differences(world)
    result = world.reconcile(is_dry=True)
    assert (result["repairs"]["state"], result["repairs"]["changes"]) == ("dry", 12)
    assert not Operation.unscoped.exists()
    assert not Delivery.unscoped.exists()


def test_more_changes_than_the_limits_allow_need_a_person(make):
    world = ReconciliationScenario(make, mode="apply", limits={"share": 0.1, "count": 500})
    plant_differences(world)
    result = world.reconcile()
    assert result["repairs"]["state"] == "stopped"
    assert not Delivery.unscoped.exists()
    assert Notice.unscoped.get().message == "repairs_stopped"
    operation = plan(world, run=str(world.job.runs.latest("pk").public_id))
    operation_actions.confirm_operation(operation, ACTOR, now=world.clock())
    world.run_operations()
    assert world.repair() == 16


@pytest.mark.corrections(item="1.5")
def test_a_repair_writes_an_amount_of_18_digits_as_a_number_and_ends(make):
    world = ReconciliationScenario(make, mode="apply")
    amount = Decimal("1234567890123456.78")
    world.plant(1, total=1.5, there={"value": amount})
    world.reconcile()
    world.run_operations()
    world.repair()
    assert world.orders.records["A-00001"]["total"] == amount
    assert world.reconcile()["equal"] == 1


@pytest.mark.corrections(item="1.6")
def test_an_incremental_run_applies_a_few_changes_of_many_records(make):
    limits = {"share": 0.1, "count": 500}
    world = ReconciliationScenario(
        make, mode="apply", read="incremental", overlap_minutes=0, limits=limits
    )
    for number in range(30):
        world.plant(number)
    world.reconcile()
    for number in range(3):
        world.orders.put(f"A-0000{number}", state="lost")
    result = world.reconcile()
    assert (result["read"], result["repairs"]["state"]) == ("incremental", "repairing")
    world.orders.put("A-00009", state="lost")
    for number in range(3):
        world.orders.put(f"A-0001{number}", state="lost")
    assert world.reconcile()["repairs"]["state"] == "stopped"


def test_what_the_limits_stopped_is_not_repaired_by_a_later_run_that_could_not_judge_it(make):
    world = ReconciliationScenario(
        make, mode="apply", missing={"here": "create"}, limits={"share": 1, "count": 3}
    )
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
    world = ReconciliationScenario(
        make, mode="apply", missing={"here": "create", "there": "create"}
    )
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
    assert world.find_discrepancies() == {("B-2", "missing_there")}
    assert discrepancy(world, "B-2", "").reason == "deleted_there"


def test_a_run_that_lost_its_lease_plans_no_repairs(make):
    world = ReconciliationScenario(make, mode="apply")
    plant_differences(world)
    run = world.start()

    def lose_lease():
        raise RunStopped

    world.before_save = lose_lease
    with pytest.raises(RunStopped):
        world.execute(run)
    assert not Delivery.unscoped.exists()
    assert not Operation.unscoped.exists()


# --- deleted on one side --------------------------------------------------------------------------


def plant_deletions(make, **options):
    """Plant 30 equal pairs, then delete one order and one deal."""
    deleted = {"deleted": {"here": "delete", "there": "delete"}, "mode": "apply"}
    world = ReconciliationScenario(make, **{**deleted, **options})
    for number in range(30):
        world.plant(number)
    world.orders.delete("A-00003")
    world.deals.delete("00004")
    return world


def list_deleted(world):
    return [
        {id for id, record in system.records.items() if record["deleted"]}
        for system in (world.orders, world.deals)
    ]


BEFORE = [{"A-00003"}, {"00004"}]


def repair_all(world):
    result = world.reconcile()
    world.run_operations()
    world.repair()
    return result


@pytest.mark.corrections(item="1.11")
def test_a_record_is_deleted_on_the_other_side_where_the_job_says_so(make):
    world = plant_deletions(make)
    assert repair_all(world)["repairs"]["changes"] == 2
    assert list_deleted(world) == [{"A-00003", "A-00004"}, {"00003", "00004"}]
    assert world.find_discrepancies() == set()
    assert (repair_all(world)["equal"], world.find_discrepancies()) == (28, set())


@pytest.mark.corrections(item="1.11")
@pytest.mark.parametrize(
    "options", [{"deleted": {}}, {"mode": "propose"}, {"limits": {"share": 0.05, "count": 500}}]
)
def test_nothing_is_deleted_by_default_without_apply_or_above_the_limits(make, options):
    world = plant_deletions(make, **options)
    repair_all(world)
    assert list_deleted(world) == BEFORE
    assert world.find_discrepancies() == {("A-00003", "missing_here"), ("A-00004", "missing_there")}


@pytest.mark.corrections(item="1.11")
def test_a_cut_page_a_filter_and_a_lost_permission_delete_nothing(make):
    world = plant_deletions(
        make,
        remote={
            "collection": "deals",
            "conditions": [{"field": "title", "is": "not_equal", "value": "A-00007"}],
        },
    )
    world.orders.cut_pages = world.deals.cut_pages = 3
    repair_all(world)
    assert list_deleted(world) == BEFORE
    world.deals.is_away = True
    run = world.start()
    with pytest.raises(RunFailed):
        world.execute(run)
    run.transition_to("failed")
    assert list_deleted(world) == BEFORE
    world.deals.is_away = False
    repair_all(world)
    assert list_deleted(world) == [{"A-00003", "A-00004"}, {"00003", "00004"}]
    assert world.find_discrepancies() == {("A-00007", "missing_there")}


@pytest.mark.corrections(item="1.11")
def test_what_a_person_changed_or_restored_meanwhile_is_not_deleted(make):
    world = plant_deletions(make)
    world.reconcile()
    world.run_operations()
    world.orders.put("A-00004", state="won")
    world.orders.put("A-00003", deleted=False)
    world.repair()
    assert list_deleted(world) == [set(), {"00004"}]


@pytest.mark.corrections(item="1.11")
def test_a_deleted_duplicate_deletes_nothing(make):
    world = plant_deletions(make)
    world.deals.put("00100", NOON, title="A-00009", status="open", deleted=True)
    world.deals.put("00101", NOON, title="A-00004", status="open", value=12.5)
    repair_all(world)
    assert list_deleted(world) == [{"A-00003"}, {"00003", "00004", "00100"}]
