"""How long a claim takes with 1,000,000 rows of history and 100,000 due."""

import time
import uuid

from django.db import connection as database

from bench import seed
from bench.checker import percentile
from bench.figures import Bar, Figure
from hub.clock import clock
from hub.connections.models import Lane
from hub.outgoing.models import Delivery
from hub.outgoing.pump.claim import claim, work_is_due
from hub.outgoing.pump.reading import Reading
from hub.outgoing.pump.release import release
from hub.outgoing.pump.strides import MOST, Strides

DATABASES = ("postgresql",)
HISTORY, DUE, CONNECTIONS = 1_000_000, 100_000, 1_000
COPIES = 100  # of each told event, each to another connection
CLAIMS = 200


def measure(sink, options):
    history, due, connections = (2_000, 500, 120) if options.quick else (HISTORY, DUE, CONNECTIONS)
    seed.empty()
    rows, route = seed.connections(connections, sink.url + "/ok/{}", tenants=10), seed.route()
    seed.orders(rows[:1], history // COPIES, route, state="delivered")
    multiply(rows[1:COPIES])
    seed.orders(rows, due, route)
    seed.settle_down()
    yield Figure("claim", percentile(claims(), 0.95), "ms", bar=Bar("<=", 20))


def multiply(rows):
    """The same deliveries again, to each of these connections."""
    others = [field.column for field in Delivery._meta.concrete_fields if not field.generated]
    others = [name for name in others if name not in ("id", "public_id", "connection_id")]
    names = ", ".join(others)
    with database.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO outgoing_delivery (public_id, connection_id, {names})"
            f" SELECT gen_random_uuid(), target, {names} FROM outgoing_delivery, unnest(%s::bigint[]) AS target",
            [[row.pk for row in rows]],
        )


def claims():
    """Milliseconds of each; what was claimed is settled before the next."""
    found, reading, strides = [], Reading(), Strides(dict.fromkeys(Lane.unscoped.values_list("pk", flat=True), MOST))
    while len(found) < CLAIMS and work_is_due(now=clock()):
        lease, now = uuid.uuid4(), clock()
        began = time.perf_counter()
        reading.renew(now=now)  # as a pump does
        slices = claim(lease, reading, strides, now=now)
        found.append((time.perf_counter() - began) * 1000)
        claimed = [delivery.pk for slice in slices for delivery in slice.deliveries]
        Delivery.unscoped.filter(pk__in=claimed).update(state="delivered", lease=None, due_at=None)
        release(lease, [slice.lane.pk for slice in slices], now=now)
    return found
