"""60,000 signed deliveries over 200 connections, two pumps, against the hand-written pump: same bodies, same sink."""

import os
import statistics
import subprocess
import sys

from django.db import connection as database

from bench import baseline, checker, seed
from bench.figures import Bar, Figure
from bench.processes import in_step, python, until
from hub.outgoing.models import Delivery

DATABASES = ("postgresql", "sqlite")
DELIVERIES, CONNECTIONS, RUNS = 60_000, 200, 3
WITHIN = 600.0  # seconds
LOOK_EVERY = 0.5  # seconds: whoever is counted is disturbed by it, and the moments are in the ledger
NOISE = 0.1  # of such a median: the baseline must not be slower than the pump that is handed in


def measure(sink, options):
    deliveries, runs = (600, 1) if options.quick else (DELIVERIES, RUNS)
    if database.vendor == "sqlite":
        yield Figure("drain", product(sink, deliveries, pumps=1), "deliveries/s")
        return
    kinds = {
        "baseline": lambda: warmed(lambda pumps: by_hand(sink, deliveries, pumps=pumps)),
        "product": lambda: warmed(lambda pumps: product(sink, deliveries, pumps=pumps)),
    }
    if options.reference:
        kinds["reference"] = lambda: by_script(sink, deliveries, options.reference)
    found = alternating(kinds, runs)
    limit = found["baseline"]
    if "reference" in found:
        bar = Bar(">=", 1 - NOISE, of="ratio")
        yield Figure("drain_baseline", limit, "deliveries/s", found["reference"], bar)
    yield Figure("drain", found["product"], "deliveries/s", limit, Bar(">=", 0.45, of="ratio"))


def alternating(kinds, runs):
    """The median of each; every round begins with another, as the machine's speed depends on what ran before."""
    names, found = list(kinds), {name: [] for name in kinds}
    for _ in range(runs):
        for name in names:
            found[name].append(kinds[name]())
        names.append(names.pop(0))
    return {name: statistics.median(rates) for name, rates in found.items()}


def warmed(run):
    """With one process and then with two, as the pump that is handed in does it; the second counts."""
    return [run(pumps) for pumps in (1, 2)][-1]


def by_hand(sink, deliveries, *, pumps):
    baseline.prepare(os.environ["DATABASE_URL"], seed.rendered(deliveries))
    seed.settle_down()
    return rate(sink, deliveries, [python("bench.baseline", f"{sink.url}/ok/0")] * pumps)


def by_script(sink, deliveries, script):
    """Of a pump like the baseline that is handed in; it prepares its own rows and runs with one process, then two."""
    sink.clear()
    there = [sys.executable, script, os.environ["DATABASE_URL"], "--deliveries", str(deliveries)]
    subprocess.run([*there, "--sink", f"{sink.url}/ok/0"], stdout=sys.stderr, check=True)
    return checker.per_second(sink.arrivals()[-deliveries:])


def product(sink, deliveries, *, pumps):
    seed.empty()
    rows = seed.connections(CONNECTIONS, sink.url + "/ok/{}", tenants=CONNECTIONS // 4)
    seed.orders(rows, deliveries, seed.route())
    seed.settle_down()
    found = rate(sink, deliveries, [python("bench.pump")] * pumps)
    if left := Delivery.unscoped.exclude(state="delivered").count():
        raise SystemExit(f"{left} deliveries were answered and not settled: this is no measurement")
    return found


def rate(sink, deliveries, commands):
    """Deliveries a second from the first to the last answer; each must have come once."""
    sink.clear()
    what = f"{deliveries} deliveries"
    with in_step(*commands):
        until(lambda: sink.count() >= deliveries, within=WITHIN, every=LOOK_EVERY, what=what)
    arrivals = sink.arrivals()
    if checker.extra_sends(arrivals) or len(arrivals) != deliveries:
        raise SystemExit(f"{len(arrivals)} requests for {deliveries} deliveries: this is no measurement")
    return checker.per_second(arrivals)
