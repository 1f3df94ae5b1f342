"""Measure deliveries per second and memory with 1,000 connections that answer after a second."""

import time
from collections.abc import Iterator

from bench import seed
from bench.figures import Bar, Figure
from bench.installation.processes import Process, descendants, proportional_megabytes
from bench.sink.client import Sink
from bench.source import worker
from bench.suite import Options

DATABASES = ("postgresql",)
CONNECTIONS, DELIVERIES = 1_000, 200_000
WARM, SECONDS = 20, 60
LOOK_EVERY = 1.0


def measure(sink: Sink, options: Options) -> Iterator[Figure]:
    connections, deliveries, warm, seconds = (
        (20, 1_000, 1, 3) if options.quick else (CONNECTIONS, DELIVERIES, WARM, SECONDS)
    )
    seed.empty()
    rows = seed.connections(
        connections, sink.url + "/slow-1000/{}", tenants=max(1, connections // 10)
    )
    seed.orders(rows, deliveries, seed.route())
    seed.settle_down()
    sink.clear()
    with worker(sink, seed.tenant_of(rows[0])) as process:
        time.sleep(warm)
        begin, before = time.monotonic(), sink.count()
        memory = most_memory(process, seconds)
        calls = (sink.count() - before) / (time.monotonic() - begin)
    yield Figure("slow", calls, "deliveries/s", bar=Bar(">=", 800))
    yield Figure("slow_memory", memory, "MB", bar=Bar("<=", 450))


def most_memory(worker: Process, seconds: float) -> float:
    """Of the pool, while it works: what the worker started, without the worker itself.

    Its processes are forks of one: what they share counts once.
    """
    most, end = 0.0, time.monotonic() + seconds
    while time.monotonic() < end:
        most = max(
            most,
            proportional_megabytes(pid for pid in descendants(worker.pid) if pid != worker.pid),
        )
        time.sleep(LOOK_EVERY)
    return most
