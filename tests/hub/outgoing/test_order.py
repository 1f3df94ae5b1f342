"""Ordered routes never invert; what may have arrived is not sent twice; what is too late is not sent at all."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from connectors.wire import Response
from hub.egress import Unanswered, Unsent
from hub.outgoing import replay
from hub.outgoing.drain import drain_held
from hub.outgoing.explain import explain, for_reason, in_state, readable_deliveries, shown
from hub.outgoing.models import Delivery
from hub.outgoing.pump.drive import pump as drive
from hub.states import WrongState
from hub.sweep import sweep
from tests.fakes import FakeHttp
from tests.hub.outgoing.operating import done
from tests.hub.outgoing.test_pump import pump
from tests.makers import MINUTE, NOON, ORDER, Makers

LATER, DAY = NOON + MINUTE, timedelta(days=1)


def read(delivery):
    return readable_deliveries().get(pk=delivery.pk)


def state_of(delivery):
    return shown(read(delivery))[:2]


@pytest.fixture
def queue(make):
    """Some deliveries of one ordered route, by number: equal numbers are of one key."""

    def queue(*numbers, **route):
        connection = make.connection()
        told = {"ordered": True, "order_key": "data.number"} | route
        return [make.delivery(connection, data=ORDER | {"number": number}, **told) for number in numbers]

    return queue


@pytest.mark.django_db
class TestOrdered:
    def test_one_of_a_key_goes_at_a_time_and_other_keys_beside_it(self, queue):
        queue("A", "A", "B")
        assert numbers(pump(FakeHttp(Response(500)))) == ["A", "B"]

    def test_the_next_goes_as_soon_as_the_one_before_has_arrived(self, queue):
        rows = queue("A", "A", "A")
        assert numbers(emptied(FakeHttp())) == ["A"] * 3
        assert [state_of(row)[0] for row in rows] == ["delivered"] * 3

    @pytest.mark.parametrize("key", ["", "data.nothing", "length(data.total)"])
    def test_without_a_key_all_stand_in_one_queue(self, queue, key):
        queue("A", "B", order_key=key)
        assert len(pump(FakeHttp(Response(500))).requests) == 1

    def test_a_follower_reads_as_held_behind_the_head(self, queue):
        head, follower = queue("A", "A")
        pump(FakeHttp(Response(500)))
        assert state_of(follower) == ("held", "behind")
        assert Delivery.unscoped.filter(for_reason("behind"), in_state("held")).get() == follower
        told = explain(read(follower), now=NOON).stopped_by
        assert (told.name, str(head.public_id) in told.detail) == ("order", True)

    def test_a_held_head_keeps_its_followers(self, queue, make):
        head, follower = queue("A", "A", body={"due": "format_date(data.number, 'YYYY')"})
        assert emptied(FakeHttp()).requests == []
        assert (state_of(head)[1], state_of(follower)[1]) == ("mapping_failed", "behind")
        make.version(head.route.mapping, {"number": "data.number"}, at=LATER)
        drain_held(now=LATER)
        assert len(emptied(FakeHttp(), at=LATER).requests) == 2

    def test_a_dead_head_stops_its_key_until_it_is_skipped(self, queue):
        head, follower, other = queue("A", "A", "B")
        emptied(FakeHttp(lambda request: Response(301) if b"A" in request.content() else Response(200)))
        assert [state_of(row)[0] for row in (head, follower, other)] == ["dead", "held", "delivered"]
        assert "retried or skipped" in explain(read(follower), now=NOON).stopped_by.sentence
        replay.skip(read(head), now=NOON)
        emptied(FakeHttp())
        assert [state_of(row)[0] for row in (head, follower)] == ["skipped", "delivered"]

    def test_a_dead_head_that_is_retried_goes_before_its_followers(self, queue):
        head, follower = queue("A", "A")
        emptied(FakeHttp(Response(301)))
        replay.retry(read(head), now=NOON)
        emptied(FakeHttp())
        assert [state_of(row)[0] for row in (head, follower)] == ["delivered"] * 2

    def test_only_what_is_dead_is_skipped(self, queue):
        (row,) = queue("A")
        with pytest.raises(WrongState):
            replay.skip(row, now=NOON)

    def test_a_cancelled_head_lets_the_next_go_and_stands_at_the_end_when_it_is_retried(self, queue):
        head, follower, last = queue("A", "A", "A")
        replay.cancel(head, now=NOON)
        replay.retry(head, now=NOON)
        assert order_of(emptied(FakeHttp())) == [row.message_id for row in (follower, last, head)]

    def test_what_waited_for_a_connection_goes_before_what_came_after_it(self, make):
        tenant = make.tenant()
        make.route(tenant=tenant, ordered=True)
        before = make.event(tenant).deliveries.get()
        make.connection(tenant)
        after = make.event(tenant).deliveries.get()
        assert state_of(after) == ("held", "not_connected")
        drain_held(now=NOON)
        assert order_of(emptied(FakeHttp())) == [before.message_id, after.message_id]

    @pytest.mark.parametrize(("kind", "state"), [("cancel", "held"), ("skip", "dead")])
    def test_an_operation_that_ends_heads_lets_the_next_of_each_key_go(self, queue, kind, state):
        rows = queue("A", "B", "A", "B")
        pump(FakeHttp(Response(500)))
        Delivery.unscoped.filter(pk__in=[rows[0].pk, rows[1].pk]).update(state=state, reason="x", due_at=None)
        done(kind, reason="x")
        assert len(emptied(FakeHttp(), at=LATER).requests) == 2

    def test_what_is_sent_again_stands_at_the_end(self, queue):
        first, second = queue("A", "A")
        emptied(FakeHttp())
        replay.send_again(read(second), now=NOON)
        replay.send_again(read(first), now=NOON)
        assert order_of(emptied(FakeHttp())) == [second.message_id, first.message_id]

    def test_a_head_that_was_forgotten_is_found(self, queue):
        head, follower = queue("A", "A")
        pump(FakeHttp(Response(500)))
        Delivery.unscoped.filter(pk=head.pk).update(state="cancelled", due_at=None)
        sweep(now=LATER)
        assert state_of(follower) == ("waiting", "")

    def test_an_unordered_route_pays_nothing_for_it(self, make):
        make.delivery()
        assert Delivery.unscoped.get().position is None


def numbers(http):
    return sorted(request.content().decode()[11:-2] for request in http.requests)


def order_of(http):
    return [request.headers["webhook-id"] for request in http.requests]


def emptied(http, at=NOON):
    """Pumped until nothing more is due."""
    before = -1
    while before < len(http.requests):
        before = len(http.requests)
        pump(http, at=at)
    return http


# --- never twice, never late -----------------------------------------------------------------------------------------


@pytest.fixture
def posting(make):
    """Of an action that cannot be told our id."""
    body = {"channel": "'C1'", "text": "'x'"}
    return make.delivery(make.connection(connector="slack"), never_twice=True, body=body)


@pytest.mark.django_db
class TestNeverTwice:
    def test_what_may_have_arrived_is_held(self, posting):
        pump(FakeHttp(Unanswered("timed_out", "slack.com")))
        assert state_of(posting) == ("held", "unknown_effect")
        replay.retry(read(posting), now=LATER)
        assert len(pump(FakeHttp(Response(200, b'{"ok": true, "ts": "1"}')), at=LATER).requests) == 1

    def test_what_was_in_flight_when_the_pump_died_is_held(self, posting):
        crash(posting)
        assert pump(FakeHttp()).requests == []
        assert state_of(posting) == ("held", "unknown_effect")

    def test_what_surely_had_no_effect_goes_again(self, posting):
        pump(FakeHttp(Unsent("dns_failed", "slack.com")))
        assert state_of(posting) == ("waiting", "dns_failed")

    def test_where_the_system_is_told_our_id_it_goes_again(self, make):
        delivery = make.delivery(never_twice=True)
        pump(FakeHttp(Unanswered("timed_out", "example.com")))
        assert state_of(delivery) == ("waiting", "timed_out")

    def test_a_person_is_warned_before_it_is_retried(self, posting, make, client):
        client.force_login(make.staff(is_superuser=True))
        pump(FakeHttp(Unanswered("timed_out", "slack.com")))
        page = f"/admin/outgoing/delivery/{posting.pk}/"
        assert "although it may have arrived" in client.get(f"{page}change/").content.decode()
        assert client.post(f"{page}verbs/retry/").status_code == 302
        assert state_of(posting)[0] == "held"
        client.post(f"{page}verbs/retry_unsure/", {"reason": "it is not there"})
        assert state_of(posting)[0] == "waiting"


def crash(*deliveries, at=NOON):
    """As a pump leaves it that dies while it sends these."""
    for delivery in deliveries:
        Delivery.unscoped.filter(pk=delivery.pk).update(state="sending", attempts=1, lease=delivery.public_id)
        lane = delivery.connection.lane
        lane.lease, lane.lease_until = delivery.public_id, at - MINUTE
        lane.save()


@pytest.mark.django_db
class TestExpiry:
    def test_it_is_never_sent_late(self, make):
        delivery = make.delivery(expires_after=60)
        assert pump(FakeHttp(), at=NOON + MINUTE).requests == []
        assert state_of(delivery) == ("dead", "expired")
        assert explain(read(delivery), now=LATER).stopped_by.name == "expiry"

    def test_in_time_it_goes(self, make):
        make.delivery(expires_after=61)
        assert len(pump(FakeHttp(), at=NOON + MINUTE).requests) == 1

    def test_what_is_held_expires_too(self, make):
        delivery = make.delivery(expires_after=60)
        Delivery.unscoped.update(state="held", reason="mapping_failed", due_at=None)
        sweep(now=NOON)
        assert state_of(delivery)[0] == "held"
        sweep(now=LATER)
        assert state_of(delivery) == ("dead", "expired")

    def test_a_person_may_send_it_all_the_same(self, make):
        delivery = make.delivery(expires_after=60)
        sweep(now=LATER)
        replay.retry(read(delivery), now=LATER)
        assert len(pump(FakeHttp(), at=LATER).requests) == 1


# --- whatever happens ------------------------------------------------------------------------------------------------

KEYS = ("A", "B")
TELL = st.tuples(st.just("tell"), st.sampled_from(KEYS))
PUMP = st.tuples(
    st.just("pump"), st.lists(st.sampled_from(["500", "ok", "301", "lost", "429"]), min_size=1, max_size=4)
)
ELSE = st.tuples(st.sampled_from(["crash", "retry", "skip", "cancel", "hold", "sweep"]), st.integers(0, 3))
STEPS = st.lists(st.one_of(TELL, PUMP, TELL, ELSE), min_size=6, max_size=25)
ANSWERS = {
    "ok": Response(200),
    "500": Response(500),
    "301": Response(301),
    "429": Response(429, headers={"retry-after": "1"}, at=NOON),
    "lost": Unanswered("connection_lost", "example.com"),
}


class Desk:
    """One ordered route, and what an endpoint saw of it."""

    def __init__(self):
        self.make, self.now, self.arrived = Makers(), NOON, []
        self.connection = self.make.connection()
        self.make.route(self.connection, ordered=True, order_key="data.number")

    def tell(self, key):
        self.make.event(self.connection.tenant, data=ORDER | {"number": key}, now=self.now)

    def pump(self, plan):
        answers = iter(plan)

        def answer(request):
            name = next(answers, "ok")
            if name in ("ok", "lost"):  # lost: it arrived, and nobody knows
                self.arrived.append(request.headers["webhook-id"])
            return ANSWERS[name]

        self.now += DAY
        drive(clock=lambda: self.now, outlet=FakeHttp(answer).outlet, random=lambda: 0, stay=0)

    def crash(self, number):
        rows = list(Delivery.unscoped.filter(state="waiting", due_at__isnull=False)[number : number + 1])
        crash(*rows, at=self.now)

    def person(self, verb, states, number):
        rows = readable_deliveries().filter(state__in=states).order_by("pk")
        for row in rows[number : number + 1]:
            if row.state == "cancelled":  # it stands at the end now: what arrived of it before is another matter
                self.arrived = [id for id in self.arrived if id != row.message_id]
            verb(row, now=self.now)

    def retry(self, number):
        self.person(replay.retry, ["dead", "held", "cancelled"], number)

    def skip(self, number):
        self.person(replay.skip, ["dead"], number)

    def cancel(self, number):
        self.person(replay.cancel, ["waiting", "held"], number)

    def hold(self, number):
        pk = Delivery.unscoped.filter(state="waiting").values_list("pk", flat=True)[number : number + 1]
        Delivery.unscoped.filter(pk__in=list(pk)).update(state="held", reason="mapping_failed", due_at=None)

    def sweep(self, number):
        sweep(now=self.now)

    def enable(self):
        """Days of nothing but failures disable it."""
        self.connection.refresh_from_db()
        if self.connection.state == "disabled":
            self.connection.heal(now=self.now)

    def mended(self):
        """All goes in the end, when persons do what is asked of them."""
        for _ in range(60):
            if not Delivery.unscoped.filter(state__in=Delivery.OPEN).exists():
                return
            for number in range(len(KEYS) * 3):
                self.retry(number)
            self.enable()
            self.pump([])
        raise AssertionError("something never went")

    def places(self, key):
        """The positions in the order in which they first arrived."""
        rows = {row.message_id: row for row in Delivery.unscoped.filter(order_key=key)}
        first = dict.fromkeys(id for id in self.arrived if id in rows)
        return [rows[id].position for id in first]


class OrderIsKept(TestCase):
    @settings(max_examples=25)
    @given(STEPS)
    def test_an_ordered_route_never_inverts_whatever_happens(self, steps):
        desk = Desk()
        for verb, said in steps:
            getattr(desk, verb)(said)
        desk.mended()
        for key in KEYS:
            assert desk.places(key) == sorted(desk.places(key))
