"""What a lost bell or a dead process left lying is found."""

import threading

import pytest
from django_q.models import OrmQ
from django_q.signing import SignedPackage

from hub.connections.models import Authorization, Connection, Lane
from hub.crypto.sealed import seal
from hub.processes.loop_slots import LoopSlot
from hub.processes.worker_registry import SweepFailure, record_sweep_failures
from hub.queue import (
    Heartbeat,
    WakeUp,
    WakeUpBroker,
    acknowledge_wake_up,
    reset_wake_ups,
    run_canary,
    wake_up,
)
from hub.sweep import run_sweep, sweep_until
from tests.factories import MINUTE, NOON
from tests.hub.metrics.stored_counts import counts_by_label

pytestmark = pytest.mark.django_db


def list_wake_ups():
    return {bell.name for bell in WakeUp.objects.filter(requested_at__isnull=False)}


def test_a_due_lane_rings_the_pump_where_none_runs(make):
    make.delivery()
    run_sweep(now=NOON)
    assert "pump" in list_wake_ups()


def test_a_resident_pump_is_not_rung_for(make):
    make.delivery()
    WakeUp.objects.all().delete()
    LoopSlot.objects.create(kind="pump", number=0, lease_until=NOON + MINUTE)
    run_sweep(now=NOON)
    assert "pump" not in list_wake_ups()


def test_a_lane_that_sleeps_on_something_due_is_woken(make):
    make.delivery()
    Lane.unscoped.update(due_at=None)
    run_sweep(now=NOON)
    assert Lane.unscoped.get().due_at == NOON


def test_a_pause_ends_by_itself(make):
    connection = make.connection()
    connection.pause("stocktaking", until=NOON + MINUTE, now=NOON)
    run_sweep(now=NOON)
    assert Connection.unscoped.get().state == "paused"
    run_sweep(now=NOON + MINUTE)
    assert (Connection.unscoped.get().state, Lane.unscoped.get().hold_reason) == ("healthy", "")


def test_a_lost_refresh_is_rung_for_again(make):
    connection = make.connection(connector="salesforce")
    connection.credential.await_refresh(used=1, now=NOON)
    run_sweep(now=NOON)
    assert f"refresh:{connection.pk}" in list_wake_ups()


def test_held_work_is_looked_at(make):
    tenant = make.tenant()
    make.route(tenant=tenant)
    make.event(tenant)
    run_sweep(now=NOON)
    assert "drain" in list_wake_ups()


@pytest.fixture
def broken_step(make):
    """An attempt to connect whose connector was uninstalled: `end_abandoned` fails on it."""
    row = make.authorization(make.tenant(), now=NOON - 20 * MINUTE)
    Authorization.unscoped.update(connector_key="uninstalled", state="granted")
    row.refresh_from_db()
    row.sealed = seal({"secret": {"access_token": "x"}, "settings": {}}, row.binding)
    row.save()
    return row


def test_a_step_that_fails_stops_no_other(make, broken_step):
    make.delivery()
    WakeUp.objects.all().delete()
    run_sweep(now=NOON)
    assert "pump" in list_wake_ups()
    assert Heartbeat.objects.get(name="sweep").at == NOON


def test_an_attempt_whose_connector_is_gone_keeps_no_other_from_its_end(make, broken_step):
    other = make.authorization(make.tenant("globex"), now=NOON - 20 * MINUTE)
    run_sweep(now=NOON)
    other.refresh_from_db()
    assert other.state == "failed"


def test_a_step_that_fails_is_counted_and_known_by_name_until_it_succeeds(broken_step):
    for minutes in range(2):
        run_sweep(now=NOON + minutes * MINUTE)
    failure = SweepFailure.objects.get()
    assert (failure.step, failure.error) == ("end_abandoned_authorizations", "KeyError")
    assert (failure.since, failure.last_at) == (NOON, NOON + MINUTE)
    assert counts_by_label("sweep_failures") == {"end_abandoned_authorizations": 2}
    broken_step.delete()
    run_sweep(now=NOON + 2 * MINUTE)
    assert not SweepFailure.objects.exists()


def test_a_step_that_fails_in_one_process_only_is_shown_until_that_one_succeeds():
    second = MINUTE / 60
    for moment in (NOON, NOON + 5 * second):
        record_sweep_failures({"expire": "KeyError"}, [], now=moment)
        record_sweep_failures({}, ["expire"], now=moment + second)  # another process
        assert SweepFailure.objects.get().since == NOON
    record_sweep_failures({}, ["expire"], now=NOON + 36 * second)
    assert not SweepFailure.objects.exists()


def test_the_failure_of_a_step_that_no_sweep_runs_any_more_is_forgotten():
    SweepFailure.objects.create(
        step="step_of_an_earlier_version", error="KeyError", since=NOON, last_at=NOON
    )
    run_sweep(now=NOON + MINUTE)
    assert SweepFailure.objects.exists()  # a process of that version may still run
    run_sweep(now=NOON + 6 * MINUTE)
    assert not SweepFailure.objects.exists()


def test_a_connection_whose_connector_is_gone_keeps_no_other_from_reading_as_degraded(make):
    connection, other = make.connection(), make.connection()
    Lane.unscoped.filter(pk=connection.pk).update(failing_since=NOON - MINUTE)
    Lane.unscoped.filter(pk=other.pk).update(failing_since=NOON)
    Connection.unscoped.filter(pk=connection.pk).update(connector_key="uninstalled")
    run_sweep(now=NOON + MINUTE)
    other.refresh_from_db()
    assert (other.state, SweepFailure.objects.count()) == ("degraded", 0)


def test_the_pause_of_a_connection_whose_connector_is_gone_ends_too(make):
    connection = make.connection()
    connection.pause("stocktaking", until=NOON, now=NOON)
    Connection.unscoped.update(connector_key="uninstalled", ended_reason="grant_ended")
    run_sweep(now=NOON + MINUTE)
    connection.refresh_from_db()
    assert (connection.state, SweepFailure.objects.count()) == ("needs_reconnect", 0)


def test_it_tells_that_it_was_here():
    run_sweep(now=NOON)
    assert Heartbeat.objects.get(name="sweep").at == NOON


# --- bells ----------------------------------------------------------------------------------------


def test_a_bell_that_rings_is_not_rung_again_until_it_is_heard_or_forgotten():
    assert wake_up("pump", now=NOON)
    assert not wake_up("pump", now=NOON)
    assert OrmQ.objects.count() == 1
    assert wake_up("pump", now=NOON + MINUTE)
    assert acknowledge_wake_up("pump") == ""
    assert wake_up("pump", now=NOON + MINUTE)


def test_a_bell_carries_an_id():
    wake_up("refresh:17", now=NOON)
    assert acknowledge_wake_up("refresh:17") == "17"


def test_the_bells_of_a_pool_that_is_gone_are_rung_again():
    wake_up("pump", now=NOON)
    reset_wake_ups()
    assert wake_up("pump", now=NOON)


def test_each_pool_sings_for_itself_before_it_looks_at_the_bells():
    wake_up("pump", now=NOON)
    queue = WakeUpBroker("hub")
    ((none, song),) = queue.dequeue()
    task = SignedPackage.loads(song)
    assert (none, task["func"], task["args"]) == (None, "hub.queue.run_canary", ("canary",))
    ((none, bell),) = queue.dequeue()
    assert (none, SignedPackage.loads(bell)["args"]) == (None, ("pump",))


def test_a_bell_leaves_the_queue_as_it_is_taken():
    wake_up("drain", now=NOON)
    assert WakeUpBroker().take_oldest(["long"])
    assert not OrmQ.objects.exists()


def test_a_pool_without_an_idle_member_leaves_the_bells_to_others():
    wake_up("drain", now=NOON)
    assert WakeUpBroker(idle_classes=lambda: ()).dequeue() is None
    assert OrmQ.objects.exists()


def test_a_pool_that_runs_all_its_pumps_leaves_that_bell_to_others_and_takes_the_rest():
    for name in ("pump", "drain"):
        wake_up(name, now=NOON)
    queue = WakeUpBroker()
    ((_, bell),) = queue.take_oldest(["quick", "long"])
    assert SignedPackage.loads(bell)["args"] == ("drain",)
    assert queue.take_oldest(["quick", "long"]) is None
    assert OrmQ.objects.get().key == "delivery"


def test_a_canary_tells_that_a_pool_hears():
    run_canary("canary")
    assert Heartbeat.objects.filter(name="canary").exists()


@pytest.mark.django_db(transaction=True)
def test_a_thread_of_the_web_sweeps_too(make):
    make.delivery()
    Lane.unscoped.update(due_at=None)
    over = threading.Event()

    def noon():
        over.set()
        return NOON

    sweep_until(noon, 0.0, over)
    assert Lane.unscoped.get().due_at == NOON
