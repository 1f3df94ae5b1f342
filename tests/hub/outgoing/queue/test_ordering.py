"""Of an ordered route each goes only after the one before it of its key."""

import pytest

from connectors.http import Response
from hub.db.state_machine import InvalidTransition
from hub.outgoing.insight.explain import (
    explain_delivery,
    match_effective_reason,
    match_effective_state,
)
from hub.outgoing.models import Delivery
from hub.outgoing.release import release_held_deliveries
from hub.sweep import run_sweep
from tests.factories import MINUTE, NOON, ORDER
from tests.fakes import FakeHttp
from tests.hub.outgoing.delivery_states import read_delivery, state_of
from tests.hub.outgoing.operating import apply_action, execute_operation
from tests.hub.outgoing.pump.test_loop import pump

LATER = NOON + MINUTE


@pytest.fixture
def queue(make):
    """Some deliveries of one ordered route, by number: equal numbers are of one key."""

    def queue(*numbers, **route):
        connection = make.connection()
        data = {"ordered": True, "order_key": "data.number"} | route
        return [
            make.delivery(connection, data=ORDER | {"number": number}, **data) for number in numbers
        ]

    return queue


@pytest.mark.django_db
class TestOrdered:
    def test_one_of_a_key_goes_at_a_time_and_other_keys_beside_it(self, queue):
        queue("A", "A", "B")
        assert numbers(pump(FakeHttp(Response(500)))) == ["A", "B"]

    def test_the_next_goes_as_soon_as_the_one_before_has_arrived(self, queue):
        rows = queue("A", "A", "A")
        assert numbers(pump_until_empty(FakeHttp())) == ["A"] * 3
        assert [state_of(row)[0] for row in rows] == ["delivered"] * 3

    @pytest.mark.parametrize("key", ["", "data.nothing", "length(data.total)"])
    def test_without_a_key_all_stand_in_one_queue(self, queue, key):
        queue("A", "B", order_key=key)
        assert len(pump(FakeHttp(Response(500))).requests) == 1

    def test_a_follower_reads_as_held_behind_the_head(self, queue):
        head, follower = queue("A", "A")
        pump(FakeHttp(Response(500)))
        assert state_of(follower) == ("held", "behind")
        assert (
            Delivery.unscoped.filter(
                match_effective_reason("behind"), match_effective_state("held")
            ).get()
            == follower
        )
        told = explain_delivery(read_delivery(follower), now=NOON).first_failed_check
        assert (told.name, str(head.public_id) in told.detail) == ("order", True)

    def test_a_held_head_keeps_its_followers(self, queue, make):
        head, follower = queue("A", "A", body={"due": "format_date(data.number, 'YYYY')"})
        assert pump_until_empty(FakeHttp()).requests == []
        assert (state_of(head)[1], state_of(follower)[1]) == ("mapping_failed", "behind")
        make.version(head.route.mapping, {"number": "data.number"}, at=LATER)
        release_held_deliveries(now=LATER)
        assert len(pump_until_empty(FakeHttp(), at=LATER).requests) == 2

    def test_a_dead_head_stops_its_key_until_it_is_skipped(self, queue):
        head, follower, other = queue("A", "A", "B")
        pump_until_empty(
            FakeHttp(lambda request: Response(301) if b"A" in request.content() else Response(200))
        )
        assert [state_of(row)[0] for row in (head, follower, other)] == [
            "failed",
            "held",
            "delivered",
        ]
        assert (
            "retried or skipped"
            in explain_delivery(read_delivery(follower), now=NOON).first_failed_check.sentence
        )
        apply_action("skip", read_delivery(head), now=NOON)
        pump_until_empty(FakeHttp())
        assert [state_of(row)[0] for row in (head, follower)] == ["skipped", "delivered"]

    def test_a_dead_head_that_is_retried_goes_before_its_followers(self, queue):
        head, follower = queue("A", "A")
        pump_until_empty(FakeHttp(Response(301)))
        apply_action("retry", read_delivery(head), now=NOON)
        pump_until_empty(FakeHttp())
        assert [state_of(row)[0] for row in (head, follower)] == ["delivered"] * 2

    def test_only_what_is_dead_is_skipped(self, queue):
        (row,) = queue("A")
        with pytest.raises(InvalidTransition):
            apply_action("skip", row, now=NOON)

    def test_a_cancelled_head_lets_the_next_go_and_stands_at_the_end_when_it_is_retried(
        self, queue
    ):
        head, follower, last = queue("A", "A", "A")
        apply_action("cancel", head, now=NOON)
        apply_action("retry", head, now=NOON)
        assert order_of(pump_until_empty(FakeHttp())) == [
            row.message_id for row in (follower, last, head)
        ]

    def test_a_cancelled_delivery_whose_filter_is_repaired_stands_at_the_end(self, queue):
        head, follower = queue("A", "A", filter="contains(data.number, 'A')")
        Delivery.unscoped.filter(pk=head.pk).update(
            state="cancelled", reason="filter_failed", due_at=None
        )
        apply_action("retry", read_delivery(head), now=NOON)
        assert order_of(pump_until_empty(FakeHttp())) == [
            row.message_id for row in (follower, head)
        ]

    def test_what_waited_for_a_connection_goes_before_what_came_after_it(self, make):
        tenant = make.tenant()
        make.route(tenant=tenant, ordered=True)
        before = make.event(tenant).deliveries.get()
        make.connection(tenant)
        after = make.event(tenant).deliveries.get()
        assert state_of(after) == ("held", "not_connected")
        release_held_deliveries(now=NOON)
        assert order_of(pump_until_empty(FakeHttp())) == [before.message_id, after.message_id]

    @pytest.mark.parametrize(("kind", "state"), [("cancel", "held"), ("skip", "failed")])
    def test_an_operation_that_ends_heads_lets_the_next_of_each_key_go(self, queue, kind, state):
        rows = queue("A", "B", "A", "B")
        pump(FakeHttp(Response(500)))
        Delivery.unscoped.filter(pk__in=[rows[0].pk, rows[1].pk]).update(
            state=state, reason="x", due_at=None
        )
        execute_operation(kind, reason="x")
        assert len(pump_until_empty(FakeHttp(), at=LATER).requests) == 2

    def test_what_is_sent_again_stands_at_the_end(self, queue):
        first, second = queue("A", "A")
        pump_until_empty(FakeHttp())
        apply_action("send_again", read_delivery(second), now=NOON)
        apply_action("send_again", read_delivery(first), now=NOON)
        assert order_of(pump_until_empty(FakeHttp())) == [second.message_id, first.message_id]

    def test_a_head_that_was_forgotten_is_found(self, queue):
        head, follower = queue("A", "A")
        pump(FakeHttp(Response(500)))
        Delivery.unscoped.filter(pk=head.pk).update(state="cancelled", due_at=None)
        run_sweep(now=LATER)
        assert state_of(follower) == ("waiting", "")

    def test_an_unordered_route_pays_nothing_for_it(self, make):
        make.delivery()
        assert Delivery.unscoped.get().position is None


def numbers(http):
    return sorted(request.content().decode()[11:-2] for request in http.requests)


def order_of(http):
    return [request.headers["webhook-id"] for request in http.requests]


def pump_until_empty(http, at=NOON):
    """Pumped until nothing more is due."""
    before = -1
    while before < len(http.requests):
        before = len(http.requests)
        pump(http, at=at)
    return http
