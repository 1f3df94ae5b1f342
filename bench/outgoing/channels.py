"""Measure how long messages wait beside 500 for a full channel and 500 for a full method.

The backlogs must keep their order.
"""

import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager

from bench import checker, quota_connectors, seed
from bench.figures import Bar, Figure
from bench.installation.processes import Process, python_command, running, wait_until
from bench.sink.client import Arrival, Sink
from bench.suite import Options
from hub.connections.models import Connection
from hub.db.clock import clock
from hub.outgoing.intake.publish import publish
from hub.outgoing.models import Delivery, Route
from tenants.models import Tenant

DATABASES = ("postgresql", "sqlite")
WAITING, SECONDS = 500, 40
EVERY = 1.3  # seconds between messages for the free channel, within its own quota
LOOK_EVERY = 0.1  # seconds
WITHIN = 60.0  # seconds
PUMPS = {"postgresql": 2, "sqlite": 1}
Staged = tuple[Connection, list[str]]  # with the message ids of its backlog, in order
FULL, FREE = "full", "free"
BEHIND = {"channel": "channel", "method": "account"}  # a full action, and the one beside it


def measure(sink: Sink, options: Options) -> Iterator[Figure]:
    waiting, seconds = (50, 4) if options.quick else (WAITING, SECONDS)
    seed.empty()
    staged = {action: stage(sink, action, beside, waiting) for action, beside in BEHIND.items()}
    seed.settle_down()
    sink.clear()
    with pumps():
        wait_until(sink.count, within=WITHIN, what="the first call")
        wait_until(all_wait, within=WITHIN, every=LOOK_EVERY, what="the backlogs in their queues")
        begin = time.monotonic()
        accepted = publish_messages(
            {action: seed.tenant_of(row) for action, (row, _) in staged.items()}, seconds
        )
        wait_until(
            lambda: arrived(sink, accepted),
            within=WITHIN,
            every=0.5,
            what="the messages beside the full quotas",
        )
    yield from figures(sink.arrivals(), staged, accepted, begin, begin + seconds)


def stage(sink: Sink, action: str, beside: str, waiting: int) -> Staged:
    """Create a connection with a backlog of `action`, and a route beside it.

    Return the connection, and the message ids of the backlog in order.
    """
    seed_route(beside, FREE, f"{action}.beside")
    (row,) = seed.connections(
        1, f"{sink.url}/ok", connector=quota_connectors.KEY, account=f"channels-{action}"
    )
    return row, seed.orders([row], waiting, seed_route(action, FULL, f"{action}.backlog"))


def seed_route(action: str, channel: str, event_type: str) -> Route:
    return seed.route(
        quota_connectors.KEY, action, mapping={"channel": f"'{channel}'"}, event_type=event_type
    )


def pumps() -> AbstractContextManager[list[Process]]:
    count = PUMPS[seed.database.vendor]
    environment = os.environ | {"HUB_PUMPS": str(count)}
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
    return running(
        *[python_command("bench.programs.pump")] * count, environment=environment, **quiet
    )


def all_wait() -> bool:
    """Return whether each delivery was sent or waits in its quota queue."""
    return not Delivery.unscoped.filter(state__in=("waiting", "sending"), quota_queue=0).exists()


def publish_messages(tenants: Mapping[str, Tenant], seconds: float) -> dict[str, tuple[str, float]]:
    """Publish one message beside each backlog every EVERY seconds.

    Return by message id the action, and when the message was accepted.
    """
    moments, begin = {}, time.monotonic()
    for number in range(round(seconds / EVERY)):
        time.sleep(max(0.0, begin + number * EVERY - time.monotonic()))
        for action, tenant in tenants.items():
            event = publish(tenant, f"{action}.beside", seed.order(number), now=clock())
            moments[event.pk] = action, time.monotonic()
    rows = Delivery.unscoped.filter(event__in=moments)
    return {row.message_id: moments[row.event_id] for row in rows}


def arrived(sink: Sink, accepted: Mapping[str, tuple[str, float]]) -> bool:
    return accepted.keys() <= {arrival.id for arrival in sink.arrivals()}


def figures(
    arrivals: Sequence[Arrival],
    staged: Mapping[str, Staged],
    accepted: Mapping[str, tuple[str, float]],
    begin: float,
    end: float,
) -> Iterator[Figure]:
    firsts = {arrival.id: arrival.at for arrival in reversed(arrivals)}
    for action, (_, backlog) in staged.items():
        waits = [firsts[id] - at for id, (kind, at) in accepted.items() if kind == action]
        yield Figure(
            f"channels_{action}_beside", checker.percentile(waits, 0.95), "s", bar=Bar("<=", 2)
        )
        breaks = checker.order_breaks(backlog, arrivals)
        yield Figure(f"channels_{action}_order_breaks", breaks, "deliveries", bar=Bar("==", 0))
        if (quota := quota_connectors.QUOTAS[action]).per_seconds < end - begin:
            used = checker.used_share(
                [firsts[id] for id in backlog if id in firsts],
                quota.limit,
                quota.per_seconds,
                begin=begin,
                end=end,
            )
            yield Figure(f"channels_{action}_used", used, "of the limit", bar=Bar(">=", 0.8))
