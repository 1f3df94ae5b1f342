"""Measure the latency of 20 events per second from accepted to arrived, with a real worker."""

from collections.abc import Iterator

from bench import seed
from bench.checker import percentile
from bench.figures import Bar, Figure
from bench.sink.client import Sink
from bench.source import delays, worker
from bench.suite import Options

DATABASES = ("postgresql",)
PER_SECOND, SECONDS, TENANTS = 20, 60, 20


def measure(sink: Sink, options: Options) -> Iterator[Figure]:
    seed.empty()
    rows = seed.connections(TENANTS, sink.url + "/ok/{}", tenants=TENANTS)
    seed.route()
    tenants = [seed.tenant_of(row) for row in rows]
    with worker(sink, tenants[0]):
        measured = delays(
            sink, tenants, per_second=PER_SECOND, seconds=3 if options.quick else SECONDS
        )
    yield Figure("quiet_p50", percentile(measured, 0.5), "ms", bar=Bar("<=", 40))
    yield Figure("quiet_p99", percentile(measured, 0.99), "ms", bar=Bar("<=", 200))
