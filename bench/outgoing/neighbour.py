"""Measure one tenant's latency beside another with 100,000 due rows and ten hanging endpoints."""

import contextlib
import threading
from collections.abc import Iterator, Sequence

from django.db import connection as database

from bench import seed
from bench.checker import percentile
from bench.figures import Bar, Figure
from bench.sink.client import Sink
from bench.source import delays, worker
from bench.suite import Options
from hub.connections.models import Connection
from hub.outgoing.models import Delivery, Route

DATABASES = ("postgresql",)
BACKLOG, BUSY, HANGING, WAITING = 100_000, 50, 10, 1000
PER_SECOND, SECONDS = 20, 20
LEAST = 300  # ms
TOP_UP_EVERY = 1.0  # seconds


def measure(sink: Sink, options: Options) -> Iterator[Figure]:
    backlog, seconds = (2_000, 2) if options.quick else (BACKLOG, SECONDS)
    seed.empty()
    (quiet,) = seed.connections(1, sink.url + "/ok/quiet")
    route = seed.route()
    with worker(sink, seed.tenant_of(quiet)):
        alone = p95(sink, quiet, seconds)
        busy = load(sink, route, backlog)
        with topped_up(busy, route, backlog):
            beside = p95(sink, quiet, seconds)
        if not options.quick and not waiting(busy):
            raise SystemExit("the backlog was sent before the end, so the measurement is void")
    yield Figure("neighbour", beside, "ms", alone, Bar("<=", max(LEAST, 2 * alone)))


def p95(sink: Sink, quiet: Connection, seconds: int) -> float:
    return percentile(
        delays(sink, [seed.tenant_of(quiet)], per_second=PER_SECOND, seconds=seconds), 0.95
    )


def load(sink: Sink, route: Route, backlog: int) -> list[Connection]:
    """Create the backlogs; return the connections that answer."""
    hanging = seed.connections(HANGING, sink.url + "/hang/{}")
    busy = seed.connections(BUSY, sink.url + "/ok/{}")
    seed.orders(hanging, WAITING, route)
    seed.orders(busy, backlog, route)
    return busy


def waiting(busy: Sequence[Connection]) -> bool:
    return Delivery.unscoped.filter(tenant=busy[0].tenant, state="waiting").exists()


@contextlib.contextmanager
def topped_up(busy: Sequence[Connection], route: Route, backlog: int) -> Iterator[None]:
    """Refill the backlog while it is sent, so that a fast machine does not finish it."""
    over = threading.Event()

    def top_up() -> None:
        while not over.wait(TOP_UP_EVERY):
            if (
                Delivery.unscoped.filter(tenant=busy[0].tenant, state="waiting").count()
                < backlog // 2
            ):
                seed.orders(busy, backlog // 2, route)
        database.close()

    thread = threading.Thread(target=top_up, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
