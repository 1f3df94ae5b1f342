"""Measure 60,000 signed deliveries over 200 connections with two pumps.

The rate is compared with bench/baselines/reference_pump.py on the same sink.
"""

import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence

from django.db import connection as database

from bench import checker, quota_connectors, seed
from bench.figures import Bar, Figure
from bench.installation.processes import ROOT, python_command, start_together, wait_until
from bench.sink.client import Sink
from bench.suite import Options
from hub.outgoing.models import Delivery

DATABASES = ("postgresql", "sqlite")
DELIVERIES, CONNECTIONS, RUNS = 60_000, 200, 3
WITHIN = 200.0  # seconds
LOOK_EVERY = 0.5  # seconds, as counting disturbs the measurement; the times are in the ledger
REFERENCE = ROOT / "bench" / "baselines" / "reference_pump.py"


def measure(sink: Sink, options: Options) -> Iterator[Figure]:
    """Yield the deliveries per second, as a ratio to the reference pump in the same rounds."""
    yield from measure_drain(
        "drain",
        sink,
        options,
        url=sink.url + "/ok/{}",
        connector="webhook",
        action="send",
        least=0.42,
    )


def measure_with_quotas(sink: Sink, options: Options) -> Iterator[Figure]:
    """Yield the same for a connector whose account, method and connection quotas never bind."""
    yield from measure_drain(
        "drain_quota",
        sink,
        options,
        url=sink.url + "/ok",
        connector=quota_connectors.UNBOUND_KEY,
        action=quota_connectors.UNBOUND_ACTION,
        least=0.35,
    )


def measure_drain(
    name: str, sink: Sink, options: Options, *, least: float, **target: str
) -> Iterator[Figure]:
    deliveries, runs = (600, 1) if options.quick else (DELIVERIES, RUNS)
    if database.vendor == "sqlite":
        yield Figure(name, drain_product(sink, deliveries, pumps=1, **target), "deliveries/s")
        return
    runners = {
        "reference": lambda: drain_reference(sink, deliveries),
        "product": lambda: [
            drain_product(sink, deliveries, pumps=pumps, **target) for pumps in (1, 2)
        ][-1],
    }
    rates = alternate(runners, runs)
    bar = Bar(">=", least, of="ratio")
    yield Figure(name, rates["product"], "deliveries/s", rates["reference"], bar)


def alternate(runners: Mapping[str, Callable[[], float]], runs: int) -> dict[str, float]:
    """Return the median rate of each runner.

    Every round begins with another one, as a machine's speed depends on its load.
    """
    names: list[str] = list(runners)
    rates: dict[str, list[float]] = {name: [] for name in runners}
    for _ in range(runs):
        for name in names:
            rates[name].append(runners[name]())
        names.append(names.pop(0))
    return {name: statistics.median(values) for name, values in rates.items()}


def drain_reference(sink: Sink, deliveries: int) -> float:
    """Run the reference pump with one process, then with two; the second run counts."""
    sink.clear()
    command = [
        sys.executable,
        str(REFERENCE),
        os.environ["DATABASE_URL"],
        "--deliveries",
        str(deliveries),
    ]
    subprocess.run([*command, "--sink", f"{sink.url}/ok/0"], stdout=sys.stderr, check=True)
    return checker.per_second(sink.arrivals()[-deliveries:])


def drain_product(
    sink: Sink, deliveries: int, *, pumps: int, url: str, connector: str, action: str
) -> float:
    seed.empty()
    connections = seed.connections(CONNECTIONS, url, tenants=CONNECTIONS // 4, connector=connector)
    seed.give_accounts(connections)
    mapping = seed.MAPPING | {"channel": "data.channel"}
    seed.orders(connections, deliveries, seed.route(connector, action, mapping=mapping))
    seed.settle_down()
    rate = measure_rate(sink, deliveries, [python_command("bench.programs.pump")] * pumps)
    if undelivered := Delivery.unscoped.exclude(state="delivered").count():
        raise SystemExit(
            f"{undelivered} deliveries were answered and not settled: this is no measurement"
        )
    return rate


def measure_rate(sink: Sink, deliveries: int, commands: Sequence[Sequence[str]]) -> float:
    """Return deliveries per second from the first to the last; each must arrive exactly once."""
    sink.clear()
    label = f"{deliveries} deliveries"
    with start_together(*commands):
        wait_until(lambda: sink.count() >= deliveries, within=WITHIN, every=LOOK_EVERY, what=label)
    arrivals = sink.arrivals()
    if checker.extra_sends(arrivals) or len(arrivals) != deliveries:
        raise SystemExit(
            f"{len(arrivals)} requests for {deliveries} deliveries: this is no measurement"
        )
    return checker.per_second(arrivals)
