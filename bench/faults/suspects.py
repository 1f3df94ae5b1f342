"""Kill a pump twice while an endpoint takes its time: what was on its way there is a suspect then,
and goes beside the deliveries of the other lanes, which do not wait for its answer.
"""

import time
from collections.abc import Iterator, Sequence

from bench import seed
from bench.figures import Bar, Figure
from bench.installation import process_groups
from bench.installation.processes import wait_until
from bench.sink.client import Sink
from bench.source import worker
from bench.suite import Options
from hub.connections.models import Connection
from hub.outgoing.models import Delivery, Route

DATABASES = ("postgresql", "sqlite")
SLOW = 18_000  # milliseconds of the endpoint's answer; a call is given up after 20 s
KILLS = 2  # after which what was in flight is a suspect
OTHERS = 40  # deliveries of other lanes
WITHIN = 60.0  # seconds


def measure(sink: Sink, options: Options) -> Iterator[Figure]:
    if options.quick:
        return
    seed.empty()
    sink.clear()
    (slow,) = seed.connections(1, f"{sink.url}/slow-{SLOW}/{{}}")
    others = seed.connections(4, sink.url + "/ok/{}", tenants=4)
    route = seed.route()
    port = int(sink.place.rpartition(":")[2])
    with worker(sink, seed.tenant_of(others[0])) as process:
        suspects = set(seed.orders([slow], 2, route))
        for kill in range(KILLS):
            wait_for_sends(sink, suspects, kill + 1)
            process_groups.kill(*process_groups.pumps_of(process.pid, port))
        wait_for_sends(sink, suspects, KILLS + 1)
        crashed = Delivery.unscoped.filter(connection=slow, crash_count=KILLS, state="sending")
        yield Figure("faults_suspects", crashed.count(), "deliveries", bar=Bar("==", 2))
        seconds = send_others(sink, others, route)
        yield Figure("faults_beside_suspects", seconds, "s", bar=Bar("<=", 5))
        waiting = Delivery.unscoped.exclude(state="delivered")
        wait_until(lambda: not waiting.exists(), within=WITHIN, every=0.5, what="the suspects")


def wait_for_sends(sink: Sink, ids: set[str], times: int) -> None:
    """Wait until each of these was sent so many times."""
    wait_until(
        lambda: sum(arrival.id in ids for arrival in sink.arrivals()) >= times * len(ids),
        within=WITHIN,
        every=0.1,
        what=f"send number {times}",
    )


def send_others(sink: Sink, others: Sequence[Connection], route: Route) -> float:
    """Return the seconds until deliveries of other lanes have arrived."""
    started_at = time.monotonic()
    expected = set(seed.orders(others, OTHERS, route))
    wait_until(
        lambda: expected <= {arrival.id for arrival in sink.arrivals()},
        within=WITHIN,
        every=0.1,
        what="the others",
    )
    return time.monotonic() - started_at
