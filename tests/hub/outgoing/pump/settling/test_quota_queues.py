"""What waits for one quota delays nothing that another allows, and is sent in its order."""

import time
from datetime import timedelta
from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from connectors.http import Rate, Response
from hub.connections.models import Lane, QuotaQueue, digest_scopes
from hub.outgoing.models import Delivery
from hub.outgoing.pump.settling.quota_queues import LaneQueues
from hub.outgoing.pump.settling.waiting_queues import DELETE_EMPTY_AFTER, delete_empty_queues
from hub.outgoing.pump.types import OutboundRequest
from hub.processes.db_thread import run_with_loop
from hub.sweep import run_sweep
from hub.throttle.demand import ScopeCost
from hub.throttle.models import QuotaState
from tests.factories import MINUTE, NOON
from tests.fakes import FakeHttp
from tests.hub.outgoing.delivery_states import read_delivery, simulate_pump_crash
from tests.hub.outgoing.operating import apply_action
from tests.hub.outgoing.pump.builders import build_claimer

SECOND = timedelta(seconds=1)
POSTED = Response(200, b'{"ok":true,"channel":"C1","ts":"1764072000.000100"}')
UNTIL_OPEN = timedelta(seconds=1.2)  # after which a channel of one message a second is open again


def test_a_message_for_a_free_channel_does_not_wait_for_a_full_one(workspace):
    workspace.publish("C1", 100)
    workspace.publish("C2")
    workspace.pump()
    assert workspace.posted_numbers == {"C1": [1], "C2": [101]}


def test_what_waits_for_a_channel_goes_in_the_order_of_acceptance(workspace):
    workspace.publish("C1", 8)
    for _ in range(10):
        workspace.publish("C1")
        workspace.pump(UNTIL_OPEN)
    assert workspace.posted_numbers["C1"] == list(range(1, 11))


@pytest.mark.parametrize("type", ["post", "update"])
def test_what_comes_new_does_not_take_the_moment_of_what_waits(workspace, type):
    """It could be booked ahead, just before the queue is looked at."""
    workspace.publish("C1", 2, type)
    workspace.pump()
    other = (
        "C2" if type == "update" else "C1"
    )  # another channel, where it is the method that is closed
    workspace.now = QuotaQueue.unscoped.get().opens_at - SECOND / 20
    workspace.publish(other, 1, type)
    workspace.pump()
    assert workspace.posted_numbers == {"C1": [1]}
    workspace.pump(SECOND / 10)
    assert workspace.posted_numbers == {"C1": [1, 2]}


def test_a_pump_that_finds_a_scope_closed_postpones_all_queues_that_spend_it(workspace):
    for number in range(12):  # more queues than one claim takes from
        workspace.publish(f"C{number}", type="update")
    workspace.pump()
    workspace.pump(UNTIL_OPEN)
    assert sum(map(len, workspace.posted_numbers.values())) == 2
    assert Delivery.unscoped.filter(
        state="waiting", state_changed_at=NOON
    ).exists()  # they were not claimed again
    waiting = QuotaQueue.unscoped.filter(
        pk__in=Delivery.unscoped.filter(state="waiting").values("quota_queue")
    )
    assert (waiting.count(), waiting.filter(opens_at__gt=workspace.now).count()) == (10, 10)


def test_what_waits_for_a_closed_scope_is_not_claimed(workspace):
    workspace.publish("C1", 20)
    workspace.pump()
    waiting = Delivery.unscoped.filter(state="waiting")
    assert (
        waiting.count(),
        waiting.filter(reason="throttled", quota_queue__gt=0, attempt_count=0).count(),
    ) == (19, 19)
    opens_at = QuotaQueue.unscoped.get().opens_at
    assert Lane.unscoped.get().due_at == opens_at > workspace.now
    workspace.pump(SECOND / 2)
    assert set(waiting.values_list("state_changed_at", flat=True)) == {NOON}


def test_a_closed_method_does_not_stop_another(workspace):
    QuotaState.objects.create(
        key="slack|method|T1|chat.update",
        connector_key="slack",
        kind="method",
        paused_until=NOON + MINUTE,
        is_probing=True,
    )
    for channel in ("C1", "C2", "C3"):
        workspace.publish(channel, 3, type="update")
    workspace.publish("C4")
    workspace.pump()
    assert workspace.posted_numbers == {"C4": [10]}
    workspace.publish("C1", type="update")
    workspace.pump(2 * MINUTE)
    assert workspace.posted_numbers["C1"] == [
        1
    ]  # one call shows whether the method is open: the oldest
    for _ in range(11):
        workspace.pump(UNTIL_OPEN)
    assert [workspace.posted_numbers[channel] for channel in ("C1", "C2", "C3")] == [
        [1, 2, 3, 11],
        [4, 5, 6],
        [7, 8, 9],
    ]


def test_a_429_keeps_the_order_and_the_position_of_the_refused_delivery(workspace):
    workspace.publish("C1", 3)
    answers = iter([Response(429, headers={"retry-after": "60"}, at=NOON)])
    workspace.http = FakeHttp(lambda request: next(answers, POSTED))
    workspace.pump()
    workspace.publish("C1")
    for _ in range(6):
        workspace.pump(MINUTE + SECOND)
    assert workspace.posted_numbers["C1"] == [1, 1, 2, 3, 4]


def test_a_quota_that_sends_back_does_not_shrink_a_slice(workspace):
    workspace.publish("C1", 40)
    claimer = build_claimer(lambda: NOON)
    before = claimer.sizing.rounds_for(workspace.connection.pk)
    batches, _ = run_with_loop(claimer.claim_and_prepare)
    assert sum(len(batch.requests) for batch in batches) == 1
    assert claimer.sizing.rounds_for(workspace.connection.pk) == before
    assert (
        Lane.unscoped.get().virtual_time < NOON + SECOND
    )  # what waits for a quota does not advance the virtual time


def test_what_a_killed_pump_had_in_hand_goes_before_what_waits_behind_it(workspace):
    workspace.publish("C1", 4)
    workspace.pump()
    second = Delivery.unscoped.filter(state="waiting").first()
    simulate_pump_crash(read_delivery(second), at=workspace.now)
    workspace.publish("C1")
    for _ in range(6):
        workspace.pump(UNTIL_OPEN)
    assert workspace.posted_numbers["C1"] == [1, 2, 3, 4, 5]


def test_a_cancelled_delivery_leaves_its_queue_and_a_retried_one_joins_it(workspace):
    workspace.publish("C1", 4)
    workspace.pump()
    second = read_delivery(Delivery.unscoped.filter(state="waiting").first())
    apply_action("cancel", second, now=workspace.now)
    workspace.pump(UNTIL_OPEN)
    apply_action("retry", read_delivery(second), now=workspace.now)
    for _ in range(3):
        workspace.pump(UNTIL_OPEN)
    assert workspace.posted_numbers["C1"] == [1, 3, 2, 4]


def test_a_lane_that_sleeps_beside_an_open_queue_is_woken(workspace):
    workspace.publish("C1", 2)
    workspace.pump()
    Lane.unscoped.update(due_at=None)
    run_sweep(now=NOON + MINUTE)
    assert Lane.unscoped.get().due_at == NOON + MINUTE


def test_an_empty_queue_is_deleted_and_what_lost_its_queue_goes_on(workspace):
    workspace.publish("C1", 2)
    workspace.pump()
    run_sweep(now=NOON + 2 * DELETE_EMPTY_AFTER)
    assert QuotaQueue.unscoped.exists()  # something waits in it
    QuotaQueue.unscoped.all().delete()
    run_sweep(now=NOON + 2 * DELETE_EMPTY_AFTER)
    workspace.pump(2 * DELETE_EMPTY_AFTER)
    assert workspace.posted_numbers["C1"] == [1, 2]
    workspace.publish("C1", 2)
    workspace.pump()
    workspace.pump(UNTIL_OPEN)
    workspace.pump(UNTIL_OPEN)
    run_sweep(now=workspace.now + 2 * DELETE_EMPTY_AFTER)
    assert not QuotaQueue.unscoped.exists()


def test_of_many_queues_only_what_lost_its_queue_is_touched(workspace):
    for channel in ("C1", "C2", "C3"):
        workspace.publish(channel, 3)
    workspace.pump()
    quota_queues = QuotaQueue.unscoped.order_by("pk")[1]
    before = dict(Delivery.unscoped.filter(state="waiting").values_list("pk", "quota_queue"))
    QuotaQueue.unscoped.filter(pk=quota_queues.pk).delete()
    delete_empty_queues(now=workspace.now)
    after = dict(Delivery.unscoped.filter(state="waiting").values_list("pk", "quota_queue"))
    assert after == {pk: 0 if queue == quota_queues.pk else queue for pk, queue in before.items()}
    with CaptureQueriesContext(database) as queries:
        delete_empty_queues(now=workspace.now)
    assert not [query for query in queries if query["sql"].startswith('UPDATE "outgoing_delivery"')]


def test_queues_are_reopened_in_the_order_in_which_pumps_write_them(workspace):
    for channel in ("C1", "C2"):
        workspace.publish(channel, 3)
    workspace.pump()
    closed = {key for queue in QuotaQueue.unscoped.all() for key in queue.closed}
    with CaptureQueriesContext(database) as queries:
        QuotaQueue.reopen(closed, now=workspace.now)
    assert set(QuotaQueue.unscoped.values_list("opens_at", flat=True)) == {workspace.now}
    changed = [query["sql"] for query in queries if "connections_quotaqueue" in query["sql"]]
    order = [part for part in changed if "ORDER BY" in part and '"digest" ASC' in part]
    assert changed.index(order[0]) < changed.index(
        next(part for part in changed if part.startswith("UPDATE"))
    )


def test_only_queues_that_wait_for_an_opened_scope_are_reopened(workspace):
    for channel in ("C1", "C2"):
        workspace.publish(channel, 3)
    workspace.pump()
    one, other = QuotaQueue.unscoped.order_by("pk")
    before = other.opens_at
    QuotaQueue.reopen([key for key in one.closed if key not in other.closed], now=workspace.now)
    one.refresh_from_db()
    other.refresh_from_db()
    assert (one.opens_at, other.opens_at) == (workspace.now, before)


def test_thousands_of_queues_of_one_lane_are_asked_without_looking_at_each():
    keys = [
        [f"slack|channel|T1|C{number}", "slack|method|T1|chat.postMessage"]
        for number in range(5_000)
    ]
    queues = LaneQueues()
    for number, scopes in enumerate(keys):
        queues.add(queue_of(scopes, closed=scopes[:1], pk=number + 1), now=NOON)
    requests = [build_request([scopes[0], "slack|method|T1|chat.update"]) for scopes in keys]
    started_at = time.process_time()
    found = [queues.find_blocking(1, request) for request in requests]
    assert (
        time.process_time() - started_at < 1
    )  # looking at each for each would be 25 million looks
    assert [queue.pk for queue in found] == list(range(1, 5_001))


@pytest.mark.parametrize(
    ("waits", "asks", "stands_behind"),
    [(False, False, True), (True, False, False), (True, True, True), (False, True, True)],
)
def test_live_work_waits_behind_no_background_work(waits, asks, stands_behind):
    """`waits`, `asks`: whether what waits, and what asks, is background work."""
    method, queues = "slack|method|T1|chat.postMessage", LaneQueues()
    queues.add(queue_of(["C1", method], closed=[method], low_priority=waits), now=NOON)
    blocking = queues.find_blocking(1, build_request(["C2", method], low_priority=asks))
    assert (blocking is not None) == stands_behind


def queue_of(scopes, *, closed, pk=1, low_priority=False):
    return QuotaQueue(
        pk=pk,
        connection_id=1,
        low_priority=low_priority,
        digest=digest_scopes(scopes),
        scopes=scopes,
        closed=closed,
        opens_at=NOON + SECOND,
    )


def build_request(scopes, *, low_priority=False):
    spent = tuple(ScopeCost(scope, Rate(1, SECOND.total_seconds())) for scope in scopes)
    delivery = Delivery(pk=9, low_priority=low_priority)
    return OutboundRequest(uuid4(), None, [SimpleNamespace(delivery=delivery)], None, spent)
