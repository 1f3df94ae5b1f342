"""What is done to many deliveries at once: the same as to one, in a fixed number of statements."""

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from hub.connections.models import Lane
from hub.operations.operation_runner import run_batch
from hub.outgoing.models import Delivery, EventBody, Rendering
from tests.factories import MINUTE, NOON
from tests.fakes import FakeHttp
from tests.hub.outgoing.operating import (
    LATER,
    copy_delivery,
    execute_operation,
    list_states,
    planned,
    put,
    run_operation,
)
from tests.hub.outgoing.pump.test_loop import pump

pytestmark = pytest.mark.django_db


@pytest.fixture
def three(make):
    connection = make.connection()
    return [make.delivery(connection) for _ in range(3)]


@pytest.mark.parametrize("state", ["failed", "held", "cancelled"])
def test_what_stopped_goes_again_as_the_same_rows_behind_what_is_live(three, state):
    put(three, state, "exhausted", detail="503")
    operation = execute_operation("retry")
    assert (operation.state, operation.processed_count, operation.excluded_count) == (
        "finished",
        3,
        0,
    )
    row = Delivery.unscoped.first()
    assert (row.state, row.reason, row.detail, row.due_at, row.low_priority) == (
        "waiting",
        "",
        "",
        LATER,
        True,
    )
    pump(FakeHttp(), at=LATER)
    assert list_states() == ["delivered"] * 3


def test_what_has_not_stopped_is_not_planned_for_a_retry(three):
    put(three[:1], "delivered")
    assert planned("retry").count == 0


def test_a_filter_that_failed_is_asked_again(make):
    connection = make.connection()
    first = make.delivery(connection, filter="contains(data.number, `1`)", data={"number": 5})
    second = make.delivery(connection, data={"number": 6})
    first.route.filter = "data.number == `6`"
    first.route.save()
    assert execute_operation("retry").processed_count == 2
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, first.reason, second.state) == ("skipped", "filtered", "waiting")


def test_a_retry_that_skips_a_head_wakes_the_lane_of_what_follows(make):
    connection = make.connection()
    head = make.delivery(
        connection, data={"number": 5}, ordered=True, filter="contains(data.number, `1`)"
    )
    head.route.filter = ""
    head.route.save()
    make.delivery(connection, data={"number": "6"})
    pump(FakeHttp())
    head.route.filter = "data.number == `6`"
    head.route.save()
    execute_operation("retry")
    assert Lane.unscoped.get().due_at == LATER


def test_a_cause_that_stands_leaves_the_row_where_it_is(make):
    tenant = make.tenant()
    make.route(tenant=tenant)
    delivery = make.event(tenant).deliveries.get()
    assert (execute_operation("retry").excluded_count, list_states()) == (1, ["held"])
    connection = make.connection(tenant)
    assert execute_operation("retry").processed_count == 1
    delivery.refresh_from_db()
    assert (delivery.state, delivery.connection) == ("waiting", connection)


def test_nothing_is_retried_whose_body_is_no_longer_kept(three):
    put(three, "failed")
    EventBody.objects.all().delete()
    Rendering.objects.create(delivery_id=three[0].pk, body=b"{}")
    operation = execute_operation("retry")
    assert (operation.processed_count, operation.excluded_count, list_states()) == (
        1,
        2,
        ["waiting", "failed", "failed"],
    )


def test_nothing_is_retried_for_a_suspended_tenant(three):
    put(three, "failed")
    three[0].tenant.suspend("unpaid", now=LATER)
    assert planned("retry").count == 0


def test_sending_again_makes_new_rows_under_the_same_outward_id(three):
    put(three, "delivered")
    operation = execute_operation("send_again")
    assert (operation.processed_count, list_states()) == (3, ["delivered"] * 3 + ["waiting"] * 3)
    old, new = Delivery.unscoped.filter(event=three[0].event).order_by("pk")
    assert (new.message_uuid, new.replay_number, new.low_priority) == (old.message_uuid, 1, True)


def test_of_the_same_message_only_the_newest_is_sent_again(three):
    put(three, "delivered")
    execute_operation("send_again")
    put(Delivery.unscoped.filter(state="waiting"), "delivered")
    operation = execute_operation("send_again")
    assert (operation.processed_count, operation.excluded_count, Delivery.unscoped.count()) == (
        3,
        3,
        9,
    )


def test_cancelling_keeps_why_it_had_not_gone_before(three):
    put(three[:1], "held", "defect")
    assert execute_operation("cancel").processed_count == 3
    three[0].refresh_from_db()
    assert (three[0].state, three[0].reason, list_states()) == (
        "cancelled",
        "defect",
        ["cancelled"] * 3,
    )


def test_skipping_says_that_a_person_did_it_and_for_what_it_stopped(three):
    put(three[:1], "failed", "exhausted")
    put(three[1:2], "held", "defect", detail="a fault")
    assert execute_operation("skip").processed_count == 2
    rows = Delivery.unscoped.order_by("pk").values_list("state", "reason", "detail")
    told = [
        ("skipped", "skipped_by_person", "exhausted"),
        ("skipped", "skipped_by_person", "a fault"),
    ]
    assert list(rows)[:2] == told


def test_a_row_that_moved_on_since_the_plan_is_not_touched(three):
    put(three, "failed")
    operation = planned("retry")
    put(three[:1], "delivered")
    operation.transition_to("running", started_at=LATER, heartbeat_at=LATER)
    run_operation(operation)
    assert (operation.processed_count, list_states()) == (2, ["delivered", "waiting", "waiting"])


def test_what_was_accepted_after_the_plan_is_not_touched(make, three):
    operation = planned("cancel")
    make.delivery(three[0].connection)
    operation.transition_to("running", started_at=LATER, heartbeat_at=LATER)
    run_operation(operation)
    assert list_states() == ["cancelled"] * 3 + ["waiting"]


@pytest.mark.parametrize(
    ("kind", "state", "most"),
    [
        ("retry", "failed", 15),
        ("send_again", "delivered", 14),
        ("cancel", "held", 8),
        ("skip", "failed", 8),
    ],
)
def test_a_batch_asks_a_fixed_number_of_questions(make, kind, state, most):
    first = make.delivery()
    rows = [first, *copy_delivery(first, 30)]
    put(rows, state)

    def questions(chosen):
        operation = planned(kind, deliveries=[str(row.public_id) for row in chosen])
        operation.transition_to("running", started_at=LATER, heartbeat_at=LATER)
        with CaptureQueriesContext(database) as queries:
            assert run_batch(operation.pk, now=LATER)
        return len(queries)

    locks = 2 if database.vendor == "postgresql" else 0  # which lanes, and their locks
    assert questions(rows[:1]) == questions(rows[1:]) <= most + locks


def test_what_waits_after_a_failed_try_or_behind_a_stop_is_tried_now(make):
    tried, held, fresh = (make.delivery(make.connection()) for _ in range(3))
    Delivery.unscoped.filter(pk=tried.pk).update(
        attempt_count=1, due_at=LATER + MINUTE, reason="status_500"
    )
    held.connection.pause("stocktaking", until=None, now=NOON)
    assert execute_operation("retry").processed_count == 2
    tried.refresh_from_db()
    assert (tried.state, tried.due_at, tried.reason) == ("waiting", LATER, "status_500")
    fresh.refresh_from_db()
    assert fresh.due_at == NOON


def test_all_lanes_of_a_batch_are_made_due_at_once(make):
    """In two statements they would be locked in another order than a publisher's."""
    dead, tried = make.delivery(make.connection()), make.delivery(make.connection())
    put([dead], "failed")
    Delivery.unscoped.filter(pk=tried.pk).update(attempt_count=1, due_at=LATER + MINUTE)
    Lane.unscoped.update(due_at=None)
    with CaptureQueriesContext(database) as queries:
        assert execute_operation("retry").processed_count == 2
    assert set(Lane.unscoped.values_list("due_at", flat=True)) == {LATER}
    assert (
        len([query for query in queries if query["sql"].startswith("UPDATE connections_lane")]) == 1
    )
