"""Measure two workers with one pump each beside one worker with two pumps."""

import os
from collections.abc import Iterator

from bench import checker, seed
from bench.figures import Bar, Figure
from bench.installation.processes import MANAGE, running, wait_until
from bench.outgoing.drain import alternate
from bench.sink.client import Sink
from bench.suite import Options

DATABASES = ("postgresql",)
DELIVERIES, CONNECTIONS, RUNS = 60_000, 200, 3
WITHIN = 200.0  # seconds
LOOK_EVERY = 0.5  # seconds
STARTING = 0.15  # share of the arrivals before all pumps run; the same share is left out at the end


def measure(sink: Sink, options: Options) -> Iterator[Figure]:
    deliveries, runs = (2_000, 1) if options.quick else (DELIVERIES, RUNS)
    runners = {
        "one": lambda: drain(sink, deliveries, workers=1, pumps=2),
        "two": lambda: drain(sink, deliveries, workers=2, pumps=1),
    }
    rates = alternate(runners, runs)
    yield Figure("scale", rates["two"], "deliveries/s", rates["one"], Bar(">=", 0.95, of="ratio"))


def drain(sink: Sink, deliveries: int, *, workers: int, pumps: int) -> float:
    """Return deliveries a second while all pumps run; each must have come once."""
    seed.empty()
    connections = seed.connections(CONNECTIONS, sink.url + "/ok/{}", tenants=CONNECTIONS // 4)
    seed.orders(connections, deliveries, seed.route())
    seed.settle_down()
    sink.clear()
    environment = os.environ | {"HUB_PUMPS": str(pumps), "HUB_PUMPS_TOTAL": "0"}
    with running(*[[*MANAGE, "work"]] * workers, environment=environment):
        wait_until(
            lambda: sink.count() >= deliveries,
            within=WITHIN,
            every=LOOK_EVERY,
            what=f"{deliveries} deliveries",
        )
    arrivals = sorted(sink.arrivals(), key=lambda arrival: arrival.at)
    if checker.extra_sends(arrivals) or len(arrivals) != deliveries:
        raise SystemExit(
            f"{len(arrivals)} requests for {deliveries} deliveries: this is no measurement"
        )
    starting = round(len(arrivals) * STARTING)
    return checker.per_second(arrivals[starting : len(arrivals) - starting])
