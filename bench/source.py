"""Tell events at an even pace, as the product does, and say when each was accepted and how long it
took to arrive.
"""

import itertools
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from bench import seed
from bench.installation.processes import MANAGE, Process, running, wait_until
from bench.sink.client import Sink
from hub.db.clock import clock
from hub.outgoing.intake.publish import publish
from hub.outgoing.models import Delivery
from tenants.models import Tenant

START_WITHIN, ARRIVE_WITHIN = 60.0, 60.0  # seconds


@contextmanager
def worker(sink: Sink, tenant: Tenant) -> Iterator[Process]:
    """`manage.py work`, from its first delivery on."""
    before = sink.count()
    with running([*MANAGE, "work"], stdout=sys.stderr) as (process,):
        publish(tenant, "order.created", seed.order(0), now=clock())
        wait_until(
            lambda: sink.count() > before, within=START_WITHIN, what="the worker's first delivery"
        )
        yield process


def delays(sink: Sink, tenants: Sequence[Tenant], *, per_second: int, seconds: int) -> list[float]:
    """Milliseconds from accepted to arrived, of `per_second` events a second; each tenant has one
    connection.
    """
    accepted = tell(tenants, per_second=per_second, seconds=seconds)
    expected = set(accepted)
    wait_until(
        lambda: expected <= {row.id for row in sink.arrivals()},
        within=ARRIVE_WITHIN,
        every=1.0,
        what="all arrivals",
    )
    firsts: dict[str, float] = {}
    for arrival in sink.arrivals():
        firsts.setdefault(arrival.id, arrival.at)
    return [(firsts[id] - at) * 1000 for id, at in accepted.items()]


def tell(tenants: Sequence[Tenant], *, per_second: int, seconds: int) -> dict[str, float]:
    """By outward id, when the transaction of each had committed."""
    moments = {}
    begin = time.monotonic()
    for number, tenant in zip(range(per_second * seconds), itertools.cycle(tenants), strict=False):
        time.sleep(max(0.0, begin + number / per_second - time.monotonic()))
        event = publish(tenant, "order.created", seed.order(number), now=clock())
        moments[event.pk] = time.monotonic()
    rows = Delivery.unscoped.filter(event__in=moments)
    return {row.message_id: moments[row.event_id] for row in rows}
