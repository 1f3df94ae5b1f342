"""Only a tombstone deletes, at any system: what is hidden, filtered or refused does not."""

from datetime import timedelta

import pytest

from hub.scheduled.repairs.discrepancy_actions import repair_discrepancy
from hub.scheduled.runs.context import RunFailed
from tests.hub.scheduled.reconciliation.sandbox_world import KEY_FIELDS, SandboxScenario
from tests.hub.scheduled.repairs.discrepancies import ACTOR, discrepancy
from tests.sandbox.running_sandbox import RunningSandbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.corrections(item="1.11")]
each_system = pytest.mark.parametrize("connector", ["salesforce", "pipedrive"])
NUMBERS = [f"V-{number}" for number in range(1, 9)]
BOTH_DELETED = {"here": "delete", "there": "delete"}


@pytest.fixture
def desk(tmp_path):
    with RunningSandbox(tmp_path).running() as running:
        yield running


@pytest.fixture
def plant(make, desk):
    return lambda connector, **options: plant_pairs(make, desk, connector, **options)


def plant_pairs(make, desk, connector, *, record_fields=None, **options):
    """Plant eight equal pairs in a job that deletes; delete the order V-1 and the record V-2."""
    options = {"mode": "apply", "deleted": BOTH_DELETED, "missing": {}, **options}
    world = SandboxScenario(make, desk, connector, **options)
    world.ids = {}
    for number in NUMBERS:
        world.put_order(number, "open")
        world.ids[number] = world.put_record(number, "open", **(record_fields or {}))
    world.clock.at += timedelta(minutes=1)
    world.delete_order("V-1")
    world.delete_record(world.ids["V-2"])
    world.clock.at += timedelta(minutes=1)
    return world


def repair_all(world):
    world.reconcile()
    world.run_operations()
    world.repair()


def list_living(world):
    """Return the numbers of the orders and of the records that exist."""
    deleted = {"salesforce": "IsDeleted", "pipedrive": "is_deleted"}[world.connector]
    records = {
        number
        for number in NUMBERS
        if any(not record[deleted] for record in world.list_records(number))
    }
    return world.list_orders(), records


@each_system
def test_a_tombstone_deletes_the_record_on_the_other_side(plant, connector):
    world = plant(connector)
    repair_all(world)
    assert list_living(world) == ({*NUMBERS[2:]}, {*NUMBERS[2:]})


@each_system
def test_records_that_are_hidden_from_the_connected_user_delete_no_order(plant, connector):
    world = plant(connector)
    hidden = {"V-3", "V-4", "V-5", "V-6"}
    key = KEY_FIELDS[connector]
    world.deals.conceal = lambda record: None if record.get(key) in hidden else record
    repair_all(world)
    assert list_living(world) == ({*NUMBERS[2:]}, {*NUMBERS[2:]})
    assert discrepancy(world, "V-3", "").reason == ""


@each_system
def test_a_key_that_the_connected_user_may_not_see_any_more_deletes_nothing(plant, connector):
    world = plant(connector)
    before = list_living(world)
    key = KEY_FIELDS[connector]
    world.deals.conceal = lambda record: {**record, key: None}
    repair_all(world)
    assert list_living(world) == before


@each_system
@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_a_read_that_is_refused_deletes_nothing(plant, desk, connector, status):
    world = plant(connector)
    before = list_living(world)
    path = {"salesforce": "query", "pipedrive": "deals"}[connector]
    refusals = {
        "salesforce": [{"errorCode": "INSUFFICIENT_ACCESS", "message": "insufficient access"}],
        "pipedrive": {"success": False, "error": "forbidden"},
    }
    fault = {"path": path, "status": status, "body": refusals[connector], "times": None}
    desk.fault(connector, **fault)
    run = world.start()
    with pytest.raises(RunFailed):
        world.execute(run)
    run.transition_to("failed")
    world.run_operations()
    world.repair()
    assert list_living(world) == before


@each_system
def test_a_second_read_that_is_refused_deletes_nothing(plant, desk, connector):
    world = plant(connector)
    before = list_living(world)
    world.reconcile()
    world.run_operations()
    desk.fault(connector, status=403, body="", times=None)
    world.repair()
    world.clock.at += timedelta(hours=2)
    world.repair()
    assert list_living(world) == before
    assert discrepancy(world, "V-2", "").reason == "cannot_be_read_again"


def test_a_field_that_salesforce_does_not_show_any_more_deletes_nothing(plant, desk):
    world = plant("salesforce")
    before = list_living(world)
    change = {"account": "00D000000000001EAA", "object": "Order__c", "field": "Number__c"}
    wish = {"system": "salesforce", "change": "remove", **change}
    assert desk.post("/_control/schema", json=wish).status_code == 201
    run = world.start()
    with pytest.raises(RunFailed):
        world.execute(run)
    assert list_living(world)[0] == before[0]


@pytest.mark.parametrize(
    ("connector", "field", "value", "changed"),
    [
        ("salesforce", "Region__c", "South", {"SystemModstamp": "2026-11-01T00:00:00.000+0000"}),
        ("pipedrive", "person_id", 1, {"update_time": "2026-11-01T00:00:00Z"}),
    ],
)
@pytest.mark.parametrize("is_filter", [True, False])
def test_a_deleted_record_whose_namesake_the_job_does_not_read_deletes_no_order(
    plant, connector, field, value, changed, is_filter
):
    world = plant(connector, record_fields={field: value})
    world.put_record("V-2", "open", **changed)  # without a value in the field
    if is_filter:
        world.job.options["remote"]["query"][field] = str(value)
    else:
        conditions = [{"field": field, "is": "equal", "value": value}]
        world.job.options["remote"]["conditions"] = conditions
    world.job.save()
    repair_all(world)
    assert list_living(world) == ({*NUMBERS[1:]}, {*NUMBERS[1:]})


@each_system
def test_a_deletion_that_was_not_sent_in_time_is_sent_later(plant, connector):
    world = plant(connector)
    world.reconcile()
    world.run_operations()
    world.check_repairs()
    world.clock.at += timedelta(seconds=61)  # the deletions expire
    assert world.repair() == 2
    assert list_living(world) == ({*NUMBERS[2:]}, {*NUMBERS[2:]})


@each_system
def test_a_creation_that_waits_never_becomes_a_deletion(plant, connector):
    world = plant(connector, missing={"here": "create"}, mode="propose")
    world.put_record("V-9", "open")
    world.reconcile()
    repair_discrepancy(discrepancy(world, "V-9", ""), ACTOR, now=world.clock())
    world.put_order("V-9", "open")
    world.clock.at += timedelta(minutes=10)
    key = KEY_FIELDS[connector]
    world.deals.conceal = lambda record: None if record.get(key) == "V-9" else record
    world.reconcile()
    world.repair()
    assert "V-9" in world.list_orders()
    found = discrepancy(world, "V-9", "")
    assert (found.state, found.verdict, found.reason) == ("open", "missing_there", "")
