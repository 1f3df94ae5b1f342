"""A hub of part 2 in the middle of its work, written by part 2's own code: see README.md beside
this file.
"""

import uuid

from connectors.wire import InFlight, Response
from hub.connections.switch import switch_off
from hub.operations.start import Hand
from hub.outgoing.pump.claim import claim
from hub.outgoing.pump.reading import Reading
from hub.standing import Worker

from hub.audit import Actor
from hub.connections.models import Switch
from hub.egress import Unanswered
from hub.operations import run, start
from hub.outgoing import bulk
from hub.outgoing.models import Delivery, Route
from hub.throttle.reserve import Demand, Spent, reserve
from tests.makers import MINUTE, NOON, ORDER, Makers
from tests.upgrade.answers import build_http
from tests.upgrade.part1 import (
    DEAD_PUMP,
    LATER,
    asked_to_wait,
    bells,
    broken,
    cancelled,
    people,
    pump,
    stopped,
    systems,
    waiting,
)

STAFF = Hand(Actor("user", "2", "root@example.com"), everywhere=True)
PLACED = {"number": "data.number", "place": "data.place"}


def fill():
    make = Makers()
    acme, globex = people(make)
    systems(make, acme)
    systems(make, globex)
    stopped(make, acme)
    broken(make, globex)
    gone(make, globex)
    operations(make, acme)
    cancelled()
    ordered(make, acme)
    once(make, acme)
    expiring(make, acme)
    resting(make, globex)
    interrupted(make, acme, globex)
    poisonous()
    waiting(make, acme, globex)
    switched_off(make, globex)
    at_work()
    bells()


def hook(make, tenant, name):
    return make.connection(tenant, name=name, settings={"url": f"https://{name}.example.com/in"})


def ordered(make, tenant):
    """Of two keys, each with a head that waits for another try, and followers behind it."""
    make.route(
        hook(make, tenant, "ordered"),
        event_type="order.moved",
        ordered=True,
        order_key="data.number",
        body=PLACED,
    )
    for place, number in enumerate("AABAB"):
        make.event(
            tenant,
            "order.moved",
            id=f"moved-{place}",
            data=ORDER | {"number": number, "place": place},
            now=LATER,
        )
    pump(build_http({"ordered": Response(500)}), at=LATER)


def once(make, tenant):
    """Never twice: what may have arrived waits for a person."""
    slack = make.connection(tenant, "slack", name="never twice")
    make.route(slack, action="post_message", event_type="order.once", never_twice=True)
    make.event(tenant, "order.once", id="once", now=LATER)
    pump(build_http({"slack": Unanswered("timed_out", "slack.com")}), at=LATER)


def expiring(make, tenant):
    for name, seconds in (("soon", 60), ("late", 10**8)):
        make.route(hook(make, tenant, name), event_type="order.fresh", expires_after=seconds)
    make.event(tenant, "order.fresh", id="fresh", now=LATER)
    pump(build_http({"soon": Response(500), "late": Response(500)}), at=LATER)


def resting(make, tenant):
    """A breaker that is open, with maintenance beside it."""
    down = hook(make, tenant, "down")
    make.route(down, event_type="order.tried")
    for number in range(12):
        make.event(tenant, "order.tried", id=f"tried-{number}", now=LATER)
    pump(build_http({"down": Response(503)}), at=LATER)
    make.maintenance(down, starts_at=NOON + 10 * MINUTE)
    make.maintenance(connector="salesforce", starts_at=NOON + 30 * MINUTE)


def gone(make, tenant):
    """Disabled by its endpoint, with a notice."""
    make.route(hook(make, tenant, "gone"), event_type="order.gone")
    make.event(tenant, "order.gone", id="gone")
    pump(build_http({"gone": Response(410)}))


def operations(make, tenant):
    """One planned, one confirmed and half done."""
    make.route(hook(make, tenant, "given-up"), event_type="order.lost", retry_schedule=[1])
    for number in range(5):
        make.event(tenant, "order.lost", id=f"lost-{number}")
    for at in (NOON, NOON + MINUTE):
        pump(build_http({"given-up": Response(500)}), at=at)
    bulk.plan(
        "skip", {"state": "held"}, tenant=tenant, reason="too old", hand=STAFF, now=NOON + MINUTE
    )
    wanted = {"state": "dead", "event_type": "order.lost"}
    half = bulk.plan(
        "retry", wanted, tenant=tenant, reason="they are back", hand=STAFF, now=NOON + MINUTE
    )
    start.confirm(half, STAFF, now=NOON + MINUTE)
    run.SIZE = 2
    run.step(half.pk, now=NOON + MINUTE)


def interrupted(make, *tenants):
    """What a pump had claimed, and what it had been asked to wait with, when it was killed."""
    asked_to_wait(make, *tenants)
    claim(DEAD_PUMP, Reading(), now=LATER, rounds=lambda lane: 2)


def poisonous():
    """What was on its way at another death before; and room that the dead pump had taken."""
    Delivery.unscoped.filter(state="sending", connection__connector="webhook").update(crashes=1)
    calls = Spent("app|app||calls", InFlight(16))
    reserve([Demand((calls,), 4, 4)], now=LATER, horizon=MINUTE, lease=DEAD_PUMP)


def switched_off(make, tenant):
    route = Route.unscoped.get(tenant=tenant, connector="slack")
    off = {"by": None, "now": LATER + MINUTE}
    switch_off(Switch(scope="route", route=route, tenant=tenant, reason="wrong prices"), **off)
    switch_off(
        Switch(scope="connector", connector="splunk", reason="moving", until=NOON + 60 * MINUTE),
        **off,
    )


def at_work():
    told = {
        "started_at": NOON,
        "seen_at": LATER + MINUTE,
        "pool_since": NOON,
        "heard_at": LATER + MINUTE,
    }
    Worker.objects.create(id=uuid.UUID(int=2), host="desk", pid=100, pool=101, **told)
