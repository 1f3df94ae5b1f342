"""One tenant has 100,000 due rows and ten endpoints that hang: what another tenant notices."""

from bench import seed
from bench.checker import percentile
from bench.figures import Bar, Figure
from bench.source import delays, worker
from hub.outgoing.models import Delivery

DATABASES = ("postgresql",)
BACKLOG, BUSY, HANGING, WAITING = 100_000, 50, 10, 1000
PER_SECOND, SECONDS = 20, 20
LEAST = 300  # ms


def measure(sink, options):
    backlog, seconds = (2_000, 2) if options.quick else (BACKLOG, SECONDS)
    seed.empty()
    (quiet,) = seed.connections(1, sink.url + "/ok/quiet")
    route = seed.route()
    with worker(sink, quiet.tenant):
        alone = p95(sink, quiet, seconds)
        loud = load(sink, route, backlog)
        beside = p95(sink, quiet, seconds)
        if not options.quick and not Delivery.unscoped.filter(tenant=loud, state="waiting").exists():
            raise SystemExit("the backlog was gone before the end: this is no measurement")
    yield Figure("neighbour", beside, "ms", alone, Bar("<=", max(LEAST, 2 * alone)))


def p95(sink, quiet, seconds):
    return percentile(delays(sink, [quiet.tenant], per_second=PER_SECOND, seconds=seconds), 0.95)


def load(sink, route, backlog):
    """Due all at once; the tenant."""
    hanging = seed.connections(HANGING, sink.url + "/hang/{}")
    busy = seed.connections(BUSY, sink.url + "/ok/{}")
    seed.orders(hanging, WAITING, route)
    seed.orders(busy, backlog, route)
    return busy[0].tenant
