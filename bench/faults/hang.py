"""A pool that hangs is replaced."""

import os
import signal
import time
from collections.abc import Iterator

from bench import seed
from bench.figures import Bar, Figure
from bench.installation.processes import descendants, wait_until
from bench.sink.client import Sink
from bench.source import worker
from bench.suite import Options

DATABASES = ("postgresql", "sqlite")
WITHIN = 90.0  # seconds


def measure(sink: Sink, options: Options) -> Iterator[Figure]:
    if options.quick:
        return
    seed.empty()
    (row,) = seed.connections(1, sink.url + "/ok/{}")
    seed.route()
    with worker(sink, seed.tenant_of(row)) as process:
        _, *pool = descendants(process.pid)
        started = time.monotonic()
        for pid in pool:
            os.kill(pid, signal.SIGSTOP)
        wait_until(
            lambda: set(descendants(process.pid)).isdisjoint(pool),
            within=WITHIN,
            what="another pool",
        )
        yield Figure(
            "faults_hung_pool_replaced", time.monotonic() - started, "s", bar=Bar("<=", 60)
        )
