"""An operation: planned, confirmed, run batch by batch, resumed after a kill, cancelled, told to
the audit.
"""

from datetime import timedelta
from functools import partial

import pytest

from hub.audit import AuditRow
from hub.db.state_machine import InvalidTransition
from hub.operations import operation_actions
from hub.operations import operation_runner as running
from hub.operations.models import Operation
from hub.operations.operation_actions import OperationRefused, TooManyRows
from hub.operations.operation_runner import BATCH_FUNCTIONS
from hub.outgoing.models import Delivery
from hub.outgoing.operations.execute import execute_batch
from hub.queue import WakeUp
from hub.sweep import run_sweep
from tests.factories import MINUTE
from tests.hub.outgoing.operating import (
    LATER,
    MEMBER,
    STAFF,
    Killed,
    copy_delivery,
    execute_operation,
    list_states,
    planned,
    put,
    run_operation,
)

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture
def dead(make):
    """Two batches and a half."""
    first = make.delivery()
    return put([first, *copy_delivery(first, 499)], "failed", "exhausted")


def confirm_planned(*args, **kwargs):
    operation = planned(*args, **kwargs)
    operation_actions.confirm_operation(operation, STAFF, now=LATER)
    return operation


def verbs():
    return list(AuditRow.objects.order_by("pk").values_list("verb", flat=True))


def kill_after(batches):
    left = [batches]

    def rest():
        left[0] -= 1
        if not left[0]:
            raise Killed

    return rest


def test_a_plan_does_nothing(dead):
    assert planned().count == 500
    assert set(list_states()) == {"failed"}


def test_confirmed_it_rings_the_worker(dead):
    operation = confirm_planned()
    assert WakeUp.objects.filter(
        name=f"operate:{operation.pk}", requested_at__isnull=False
    ).exists()
    assert (operation.state, operation.started_at) == ("running", LATER)


@pytest.mark.parametrize("batches", [1, 2, 3])
def test_killed_between_two_batches_it_goes_on_where_it_was(dead, batches):
    put(dead, "delivered")
    operation = confirm_planned("send_again")
    with pytest.raises(Killed):
        run_operation(operation, rest=kill_after(batches))
    operation.refresh_from_db()
    assert operation.processed_count == min(500, 200 * batches)
    run_operation(operation)
    assert (operation.state, operation.processed_count, operation.excluded_count) == (
        "finished",
        500,
        0,
    )
    assert (
        Delivery.unscoped.filter(replay_number=1).count() == Delivery.unscoped.count() - 500 == 500
    )


@pytest.fixture
def retry_with():
    """Let a function change the batches of retries, instead of the product's."""
    yield partial(BATCH_FUNCTIONS.__setitem__, "retry")
    BATCH_FUNCTIONS["retry"] = execute_batch


def test_killed_within_a_batch_it_repeats_that_batch(dead, retry_with):
    retry_with(retry_and_kill)
    operation = confirm_planned()
    with pytest.raises(Killed):
        run_operation(operation)
    assert set(list_states()) == {"failed"}
    retry_with(execute_batch)
    run_operation(operation)
    assert (operation.state, operation.processed_count) == ("finished", 500)


def retry_and_kill(operation, size, *, now):
    execute_batch(operation, size, now=now)
    raise Killed


def fail_batch(operation, size, *, now):
    raise ZeroDivisionError


def test_a_fault_of_ours_fails_it_in_words(dead, retry_with):
    retry_with(fail_batch)
    operation = confirm_planned()
    assert not run_operation(operation)
    assert operation.state == "failed"
    assert "ZeroDivisionError" in operation.detail
    assert verbs()[-1] == "operation.fail"


def test_a_slice_of_time_over_it_gives_way(dead):
    operation, moments = confirm_planned(), iter([LATER, LATER, LATER, LATER + MINUTE])
    assert running.run_operation(
        operation.pk,
        clock=lambda: next(moments),
        pause_between=lambda: None,
        stopping=lambda: False,
    )
    operation.refresh_from_db()
    assert (operation.state, operation.processed_count) == ("running", 200)


def test_asked_to_stop_it_stops_between_two_batches(dead):
    answers = iter([False, True])
    operation = confirm_planned()
    assert run_operation(operation, stopping=lambda: next(answers))
    assert operation.processed_count == 200


def test_cancelled_it_begins_no_further_batch(dead):
    operation = confirm_planned()
    run_operation(
        operation,
        rest=lambda: operation_actions.cancel_operation(
            Operation.unscoped.get(pk=operation.pk), STAFF, now=LATER
        ),
    )
    assert (operation.state, operation.processed_count, list_states().count("failed")) == (
        "cancelled",
        200,
        300,
    )
    with pytest.raises(InvalidTransition):
        operation_actions.confirm_operation(operation, STAFF, now=LATER)


def test_it_touches_no_more_rows_than_were_confirmed(make, dead):
    put(dead[:100], "delivered")
    operation = planned()
    put(dead[:100], "failed")
    operation_actions.confirm_operation(operation, STAFF, now=LATER)
    run_operation(operation)
    assert (operation.count, operation.processed_count) == (400, 400)


def test_a_lost_bell_is_rung_again_by_the_sweep(dead):
    operation = confirm_planned()
    WakeUp.objects.all().delete()
    run_sweep(now=LATER)
    assert not WakeUp.objects.filter(name__startswith="operate").exists()
    run_sweep(now=LATER + MINUTE)
    assert WakeUp.objects.get(name__startswith="operate").name == f"operate:{operation.pk}"


def test_an_old_plan_is_not_run(dead):
    operation = planned()
    with pytest.raises(OperationRefused, match="Create a new plan"):
        operation_actions.confirm_operation(operation, STAFF, now=LATER + 16 * MINUTE)
    assert operation.state == "planned"


def test_a_plan_of_nothing_is_not_run(make):
    with pytest.raises(OperationRefused, match="No deliveries match"):
        operation_actions.confirm_operation(planned(), STAFF, now=LATER)


def test_each_step_is_audited_once_with_actor_and_reason(dead):
    operation = execute_operation("retry")
    assert verbs() == ["operation.plan", "operation.confirm", "operation.finish"]
    last = AuditRow.objects.latest("pk")
    assert last.after == {"state": "finished", "planned": 500, "done": 500, "excluded_count": 0}
    assert (last.actor_label, last.reason, last.object_id) == (
        "ann@example.com",
        "why",
        str(operation.public_id),
    )


def test_the_hourly_cap_holds_for_each_actor_of_a_tenant(dead, settings):
    settings.HUB_OPERATION_ROWS_PER_HOUR = 600
    tenant = dead[0].tenant
    operation_actions.confirm_operation(planned(tenant=tenant, hand=MEMBER), MEMBER, now=LATER)
    second = planned("skip", tenant=tenant, hand=MEMBER)
    with pytest.raises(TooManyRows, match="600") as refused:
        operation_actions.confirm_operation(second, MEMBER, now=LATER)
    assert refused.value.wait == HOUR.total_seconds()
    assert second.state == "planned"


def test_after_an_hour_there_is_room_again(dead, settings):
    settings.HUB_OPERATION_ROWS_PER_HOUR = 600
    operation_actions.confirm_operation(planned(), STAFF, now=LATER)
    later = LATER + HOUR + MINUTE
    again = planned("skip", now=later)
    operation_actions.confirm_operation(again, STAFF, now=later)
    assert again.state == "running"


def test_a_member_who_replays_ten_thousand_is_capped(dead, settings):
    operation = planned(tenant=dead[0].tenant, hand=MEMBER)
    Operation.unscoped.update(count=10_000)
    operation.refresh_from_db()
    with pytest.raises(TooManyRows, match="5,000"):
        operation_actions.confirm_operation(operation, MEMBER, now=LATER)
    operation_actions.check_hourly_cap(operation, STAFF, now=LATER)


def test_its_pace_tells_how_long_it_still_takes(dead):
    operation = confirm_planned()
    run_operation(operation, stopping=iter([False, True]).__next__)
    assert operation.percent == 40
    assert operation.seconds_left(now=LATER + MINUTE) == 90


def test_only_platform_actors_plan_for_all_tenants(dead):
    with pytest.raises(PermissionError):
        planned(hand=MEMBER)
