"""What a person decides about a delivery."""

from datetime import timedelta

import pytest

from connectors.http import Response
from hub.db.state_machine import InvalidTransition
from hub.outgoing.insight.explain import readable_deliveries
from hub.outgoing.models import Delivery, EventBody
from hub.outgoing.operations.replays import insert_replays
from hub.outgoing.routing import build_replay
from tests.factories import MINUTE, NOON
from tests.fakes import FakeHttp
from tests.hub.outgoing.operating import apply_action
from tests.hub.outgoing.pump.test_loop import pump

pytestmark = pytest.mark.django_db

LATER, SECOND = NOON + MINUTE, timedelta(seconds=1)


def set_state(delivery, state, reason=""):
    Delivery.unscoped.filter(pk=delivery.pk).update(state=state, reason=reason, due_at=None)
    delivery.refresh_from_db()
    return delivery


@pytest.mark.parametrize("state", ["failed", "held", "cancelled"])
def test_what_stopped_goes_again_as_the_same_row(make, state):
    delivery = set_state(make.delivery(), state, "exhausted")
    apply_action("retry", delivery, now=LATER)
    assert (delivery.state, delivery.reason, delivery.due_at) == ("waiting", "", LATER)
    pump(FakeHttp(), at=LATER)
    delivery.refresh_from_db()
    assert delivery.state == "delivered"


@pytest.mark.parametrize("state", ["waiting", "sending", "delivered", "skipped"])
def test_what_has_not_stopped_is_not_retried(make, state):
    delivery = set_state(make.delivery(), state)
    with pytest.raises(InvalidTransition):
        apply_action("retry", delivery, now=LATER)


def test_a_retry_sends_the_same_bytes_although_the_mapping_changed(make):
    delivery = make.delivery()
    first = pump(FakeHttp(Response(500))).requests[0]
    make.version(delivery.route.mapping, {"other": "data.number"})
    set_state(delivery, "failed")
    apply_action("retry", delivery, now=LATER)
    second = pump(FakeHttp(), at=LATER).requests[0]
    assert (second.content(), second.headers["webhook-id"]) == (
        first.content(),
        first.headers["webhook-id"],
    )


def test_a_retry_takes_the_connection_that_was_made_meanwhile(make):
    tenant = make.tenant()
    make.route(tenant=tenant)
    delivery = make.event(tenant).deliveries.get()
    with pytest.raises(InvalidTransition):
        apply_action("retry", delivery, now=LATER)
    connection = make.connection(tenant)
    apply_action("retry", delivery, now=LATER)
    assert (delivery.state, delivery.connection) == ("waiting", connection)


def test_a_retry_asks_a_filter_that_failed_again(make):
    delivery = make.delivery(filter="contains(data.number, `1`)", data={"number": 5})
    assert delivery.reason == "filter_failed"
    with pytest.raises(InvalidTransition):
        apply_action("retry", delivery, now=LATER)
    delivery.route.filter = "data.number == `6`"
    delivery.route.save()
    apply_action("retry", delivery, now=LATER)
    assert (delivery.state, delivery.reason) == ("skipped", "filtered")


def test_nothing_is_retried_for_a_suspended_tenant(make):
    delivery = set_state(make.delivery(), "failed")
    delivery.tenant.suspend("unpaid", now=NOON)
    with pytest.raises(InvalidTransition):
        apply_action("retry", delivery, now=LATER)


def test_a_concurrent_transition_is_noticed(make):
    delivery = set_state(make.delivery(), "failed")
    set_state(Delivery.unscoped.get(pk=delivery.pk), "waiting")
    with pytest.raises(InvalidTransition):
        apply_action("retry", delivery, now=LATER)


@pytest.mark.parametrize(
    ("state", "may"), [("waiting", True), ("held", True), ("sending", False), ("failed", False)]
)
def test_only_what_is_to_be_sent_is_cancelled(make, state, may):
    delivery = set_state(make.delivery(), state)
    try:
        apply_action("cancel", delivery, now=LATER)
    except InvalidTransition:
        assert not may
    else:
        assert (may, delivery.state, delivery.due_at) == (True, "cancelled", None)


def test_a_cancelled_delivery_is_not_sent(make):
    apply_action("cancel", make.delivery(), now=NOON)
    assert pump(FakeHttp()).requests == []


def test_sending_again_is_a_new_delivery_with_the_same_outward_id_and_todays_mapping(make):
    delivery = make.delivery()
    first = pump(FakeHttp()).requests[0]
    make.version(delivery.route.mapping, {"other": "data.number"})
    delivery.refresh_from_db()
    again = apply_action("send_again", delivery, now=LATER)
    assert (again.replay_number, again.public_id != delivery.public_id, delivery.state) == (
        1,
        True,
        "delivered",
    )
    second = pump(FakeHttp(), at=LATER).requests[0]
    assert second.headers["webhook-id"] == first.headers["webhook-id"]
    assert second.content() == b'{"other":"A-1001"}'


def test_sending_again_twice_counts_on(make):
    delivery = set_state(make.delivery(), "delivered")
    numbers = [apply_action("send_again", delivery, now=LATER).replay_number for _ in range(2)]
    assert numbers == [1, 2]


@pytest.mark.parametrize("state", ["waiting", "sending", "held"])
def test_what_is_still_on_its_way_is_not_sent_again(make, state):
    with pytest.raises(InvalidTransition):
        apply_action("send_again", set_state(make.delivery(), state), now=LATER)
    assert Delivery.unscoped.count() == 1


def test_what_was_pruned_is_neither_sent_again_nor_judged_again(make):
    done, held = (
        set_state(make.delivery(), "delivered"),
        set_state(make.delivery(), "held", "filter_failed"),
    )
    EventBody.objects.all().delete()
    for verb, delivery in (
        ("send_again", done),
        ("retry", held),
    ):
        with pytest.raises(InvalidTransition):
            apply_action(verb, delivery, now=LATER)


def waiting_after_a_failure(delivery):
    pump(FakeHttp(Response(500, b"sorry")))
    delivery.refresh_from_db()
    assert (delivery.state, delivery.due_at > NOON) == ("waiting", True)
    return delivery


def test_what_waits_after_a_failed_try_is_tried_now(make):
    delivery = waiting_after_a_failure(make.delivery())
    apply_action("retry", delivery, now=NOON + SECOND)
    assert delivery.reason == "status_500"
    pump(FakeHttp(), at=NOON + SECOND)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempt_count) == ("delivered", 2)


def test_what_is_tried_now_behind_a_closed_lane_goes_first_thing_when_it_opens(make):
    delivery = waiting_after_a_failure(make.delivery())
    delivery.connection.pause("stocktaking", until=None, now=NOON)
    apply_action("retry", delivery, now=NOON + SECOND)
    assert pump(FakeHttp(), at=NOON + SECOND).requests == []
    delivery.connection.mark_healthy(now=NOON + SECOND)
    assert len(pump(FakeHttp(), at=NOON + SECOND).requests) == 1


def test_what_waits_in_a_suspended_tenant_is_not_tried(make):
    delivery = waiting_after_a_failure(make.delivery())
    delivery.tenant.suspend("unpaid", now=NOON)
    with pytest.raises(InvalidTransition):
        apply_action("retry", delivery, now=LATER)


def test_what_reads_as_held_is_skipped(make):
    delivery = make.delivery()
    delivery.connection.pause("stocktaking", until=None, now=NOON)
    apply_action("skip", Delivery.unscoped.get(pk=delivery.pk), now=LATER)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.detail) == ("skipped", "paused")


def test_what_waits_for_its_turn_is_not_skipped(make):
    with pytest.raises(InvalidTransition):
        apply_action("skip", make.delivery(), now=LATER)


def test_a_message_that_another_transaction_sends_again_is_left_out_and_no_other(make):
    connection = make.connection()
    sent = [
        set_state(make.delivery(connection, data={"number": n}), "delivered") for n in ("A", "B")
    ]
    apply_action("send_again", sent[0], now=LATER)
    replays = [
        build_replay(row, {"data": {"number": "A"}}, 1, now=LATER)
        for row in readable_deliveries().filter(pk__in=[row.pk for row in sent]).order_by("pk")
    ]
    assert insert_replays(replays) == [replays[1]]
    assert Delivery.unscoped.filter(replay_number=1).count() == 2
