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


def measure(sink, options):
    deliveries, runs = (600, 1) if options.quick else (DELIVERIES, RUNS)
    if database.vendor == "sqlite":
        yield Figure("drain", product(sink, deliveries, pumps=1), "deliveries/s")
        return
    if options.reference:
        yield Figure("drain_reference", by_script(sink, deliveries, options.reference), "deliveries/s")
    theirs, ours = [], []
    for _ in range(runs):
        theirs.append(by_hand(sink, deliveries))
        ours.append(product(sink, deliveries, pumps=2))
    value, limit = statistics.median(ours), statistics.median(theirs)
    yield Figure("drain", value, "deliveries/s", limit, Bar(">=", 0.45, of="ratio"))


def by_hand(sink, deliveries):
    baseline.prepare(os.environ["DATABASE_URL"], seed.rendered(deliveries))
    seed.settle_down()
    return rate(sink, deliveries, [python("bench.baseline", f"{sink.url}/ok/0")] * 2)


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
    with in_step(*commands):
        until(lambda: sink.count() >= deliveries, within=WITHIN, what=f"{deliveries} deliveries")
    arrivals = sink.arrivals()
    if checker.extra_sends(arrivals) or len(arrivals) != deliveries:
        raise SystemExit(f"{len(arrivals)} requests for {deliveries} deliveries: this is no measurement")
    return checker.per_second(arrivals)
