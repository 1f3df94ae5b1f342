"""Whatever happens to an ordered route, it never inverts, and in the end all of it arrives."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from connectors.http import Response
from hub.egress import ResponseNotReceived
from hub.outgoing.insight.explain import readable_deliveries
from hub.outgoing.models import Delivery
from hub.outgoing.pump.loop import run_pump
from hub.sweep import run_sweep
from tests.factories import NOON, ORDER, Factories
from tests.fakes import FakeHttp
from tests.hub.outgoing.delivery_states import simulate_pump_crash
from tests.hub.outgoing.operating import apply_action

DAY = timedelta(days=1)
KEYS = ("A", "B")
PUBLISH = st.tuples(st.just("publish"), st.sampled_from(KEYS))
PUMP = st.tuples(
    st.just("pump"),
    st.lists(st.sampled_from(["500", "ok", "301", "lost", "429"]), min_size=1, max_size=4),
)
ELSE = st.tuples(
    st.sampled_from(["crash", "retry", "skip", "cancel", "hold", "sweep"]), st.integers(0, 3)
)
STEPS = st.lists(st.one_of(PUBLISH, PUMP, PUBLISH, ELSE), min_size=6, max_size=25)
ANSWERS = {
    "ok": Response(200),
    "500": Response(500),
    "301": Response(301),
    "429": Response(429, headers={"retry-after": "1"}, at=NOON),
    "lost": ResponseNotReceived("connection_lost", "example.com"),
}


class Desk:
    """One ordered route, and what an endpoint saw of it."""

    def __init__(self):
        self.make, self.now, self.arrived = Factories(), NOON, []
        self.connection = self.make.connection()
        self.make.route(self.connection, ordered=True, order_key="data.number")

    def publish(self, key):
        self.make.event(self.connection.tenant, data=ORDER | {"number": key}, now=self.now)

    def pump(self, plan):
        answers = iter(plan)

        def answer(request):
            name = next(answers, "ok")
            if name in ("ok", "lost"):  # lost: it arrived, and nobody knows
                self.arrived.append(request.headers["webhook-id"])
            return ANSWERS[name]

        self.now += DAY
        run_pump(
            clock=lambda: self.now,
            open_client=FakeHttp(answer).outlet,
            random=lambda: 0,
            idle_seconds=0,
        )

    def crash(self, number):
        rows = list(
            Delivery.unscoped.filter(state="waiting", due_at__isnull=False)[number : number + 1]
        )
        simulate_pump_crash(*rows, at=self.now)

    def apply_action(self, action, states, number):
        rows = readable_deliveries().filter(state__in=states).order_by("pk")
        for row in rows[number : number + 1]:
            if (
                row.state == "cancelled"
            ):  # it stands at the end now: what arrived of it before is another matter
                self.arrived = [id for id in self.arrived if id != row.message_id]
            apply_action(action, row, now=self.now)

    def retry(self, number):
        self.apply_action("retry", ["failed", "held", "cancelled"], number)

    def skip(self, number):
        self.apply_action("skip", ["failed"], number)

    def cancel(self, number):
        self.apply_action("cancel", ["waiting", "held"], number)

    def hold(self, number):
        pk = Delivery.unscoped.filter(state="waiting").values_list("pk", flat=True)[
            number : number + 1
        ]
        Delivery.unscoped.filter(pk__in=list(pk)).update(
            state="held", reason="mapping_failed", due_at=None
        )

    def sweep(self, number):
        run_sweep(now=self.now)

    def enable(self):
        """Days of nothing but failures disable it."""
        self.connection.refresh_from_db()
        if self.connection.state == "disabled":
            self.connection.mark_healthy(now=self.now)

    def resolve_all(self):
        """All goes in the end, when persons do what is asked of them."""
        for _ in range(60):
            if not Delivery.unscoped.filter(state__in=Delivery.ORDER_BLOCKING_STATES).exists():
                return
            for number in range(len(KEYS) * 3):
                self.retry(number)
            self.enable()
            self.pump([])
        raise AssertionError("something never went")

    def list_positions(self, key):
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
        desk.resolve_all()
        for key in KEYS:
            assert desk.list_positions(key) == sorted(desk.list_positions(key))
