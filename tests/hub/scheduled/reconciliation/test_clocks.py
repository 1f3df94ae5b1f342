"""The clock of a system that is five minutes off makes no verdict and no repair wrong."""

from datetime import timedelta

import pytest

from tests.hub.scheduled.reconciliation.sandbox_world import SandboxScenario
from tests.hub.scheduled.repairs.discrepancies import discrepancy
from tests.sandbox.running_sandbox import RunningSandbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.corrections(item="1.14")]
each_system = pytest.mark.parametrize("connector", ["salesforce", "pipedrive"])
each_clock = pytest.mark.parametrize("minutes", [5, -5])
OPTIONS = {
    "mode": "apply",
    "deleted": {"here": "delete", "there": "delete"},
    "missing": {"here": "create", "there": "create"},
}
ID_FIELDS = {"salesforce": "Id", "pipedrive": "id"}


@pytest.fixture
def desk(tmp_path):
    with RunningSandbox(tmp_path).running() as running:
        yield running


def open_world(make, desk, connector, minutes, **options):
    world = SandboxScenario(make, desk, connector, **{**OPTIONS, **options})
    world.orders.ahead = timedelta(minutes=minutes)
    return world


def repair_all(world):
    world.reconcile()
    world.run_operations()
    world.repair()


@each_system
@each_clock
def test_what_changes_while_it_is_read_is_judged_by_the_next_run(make, desk, connector, minutes):
    world = open_world(make, desk, connector, minutes)
    for number in ("T-1", "T-2", "T-3"):
        world.put_order(number, "open")
    ids = [world.put_record(number, status) for number, status in (("T-1", "won"), ("T-2", "open"))]
    world.clock.at += timedelta(minutes=20)
    id_field = ID_FIELDS[connector]

    def change():
        world.put_record("T-1", "open", **{id_field: ids[0]})  # equal by now
        world.put_record("T-2", "lost", **{id_field: ids[1]})
        world.put_order("T-2", "lost")  # so is its order
        world.put_record("T-3", "open")  # created by a person

    world.orders.after_read.append(change)
    repair_all(world)
    assert world.find_discrepancies() == set()
    assert [len(world.list_records(number)) for number in ("T-1", "T-2", "T-3")] == [1, 1, 1]
    world.clock.at += timedelta(minutes=20)
    assert world.reconcile()["equal"] == 3


@each_system
@each_clock
def test_the_newer_value_is_not_overwritten_by_an_older_one(make, desk, connector, minutes):
    world = open_world(make, desk, connector, minutes)
    world.job.options["fields"][0]["owner"] = "newer"
    world.job.save()
    world.clock.at += timedelta(minutes=20)
    changes = [("record", "won"), ("order", "lost")]  # the later one seems to be the earlier one
    for side, status in changes if minutes > 0 else reversed(changes):
        world.clock.at += timedelta(minutes=3)
        if side == "record":
            world.put_record("T-4", status)
        else:
            world.put_order("T-4", status, updated_at=world.clock.at.isoformat())
    world.clock.at += timedelta(minutes=10)
    repair_all(world)
    assert world.list_statuses("T-4") == ["won"]
    found = discrepancy(world, "T-4")
    assert (found.state, found.local_value, found.remote_value) == ("new", "lost", "won")


@each_system
@each_clock
def test_a_value_that_is_newer_by_more_than_clocks_differ_is_written(
    make, desk, connector, minutes
):
    world = open_world(make, desk, connector, minutes)
    world.job.options["fields"][0]["owner"] = "newer"
    world.job.save()
    world.clock.at += timedelta(minutes=20)
    world.put_record("T-5", "won")
    world.clock.at += timedelta(minutes=15)
    world.put_order("T-5", "lost", updated_at=world.clock.at.isoformat())
    world.clock.at += timedelta(minutes=10)
    repair_all(world)
    assert world.list_statuses("T-5") == ["lost"]


@each_system
@each_clock
@pytest.mark.parametrize("overlap", [0, 4, 10])
def test_an_incremental_run_finds_what_changed_after_the_run_before_it(
    make, desk, connector, minutes, overlap
):
    options = {"read": "incremental", "mode": "propose", "overlap_minutes": overlap}
    world = open_world(make, desk, connector, minutes, **options)
    world.put_order("T-6", "open")
    id = world.put_record("T-6", "open")
    world.clock.at += timedelta(minutes=20)
    world.reconcile()
    world.clock.at += timedelta(seconds=30)
    world.put_record("T-6", "won", **{ID_FIELDS[connector]: id})
    world.clock.at += timedelta(minutes=20)
    world.reconcile()
    assert world.find_discrepancies() == {("T-6", "status")}
