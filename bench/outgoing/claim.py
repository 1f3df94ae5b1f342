"""Measure how long a claim takes with 1,000,000 rows of history and 100,000 due deliveries."""

import time
import uuid
from collections.abc import Iterator, Sequence

from django.db import connection as database

from bench import seed
from bench.checker import percentile
from bench.figures import Bar, Figure
from bench.sink.client import Sink
from bench.suite import Options
from hub.connections.models import Connection, Lane
from hub.db.clock import clock
from hub.outgoing.models import Delivery
from hub.outgoing.pump.claiming.batch_sizing import MAX_ROUNDS, BatchSizing
from hub.outgoing.pump.claiming.claim import claim_lanes, is_work_due
from hub.outgoing.pump.claiming.config_cache import ConfigCache
from hub.outgoing.pump.settling.release_lanes import release_lanes

DATABASES = ("postgresql",)
HISTORY, DUE, CONNECTIONS = 1_000_000, 100_000, 1_000
COPIES = 100  # of each told event, each to another connection
CLAIMS = 200


def measure(sink: Sink, options: Options) -> Iterator[Figure]:
    history, due, connections = (2_000, 500, 120) if options.quick else (HISTORY, DUE, CONNECTIONS)
    seed.empty()
    rows, route = seed.connections(connections, sink.url + "/ok/{}", tenants=10), seed.route()
    seed.orders(rows[:1], history // COPIES, route, state="delivered")
    multiply(rows[1:COPIES])
    seed.orders(rows, due, route)
    seed.settle_down()
    yield Figure("claim", percentile(claims(), 0.95), "ms", bar=Bar("<=", 20))


def multiply(rows: Sequence[Connection]) -> None:
    """Copy all deliveries to each of these connections."""
    others = [field.column or "" for field in Delivery._meta.concrete_fields if not field.generated]
    others = [name for name in others if name not in ("id", "public_id", "connection_id")]
    names = ", ".join(others)
    with database.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO outgoing_delivery (public_id, connection_id, {names})"
            f" SELECT gen_random_uuid(), target, {names}"
            " FROM outgoing_delivery, unnest(%s::bigint[]) AS target",
            [[row.pk for row in rows]],
        )


def claims() -> list[float]:
    """Return the milliseconds of each claim; what it claimed is settled before the next one."""
    milliseconds: list[float] = []
    config = ConfigCache()
    lanes = Lane.unscoped.values_list("pk", flat=True)
    sizing = BatchSizing(dict.fromkeys(lanes, MAX_ROUNDS))
    while len(milliseconds) < CLAIMS and is_work_due(now=clock()):
        lease, now = uuid.uuid4(), clock()
        started_at = time.perf_counter()
        config.expire(now=now)  # as the pump does
        claimed_lanes = claim_lanes(lease, config, sizing, check_lease=lambda: None, now=now)
        milliseconds.append((time.perf_counter() - started_at) * 1000)
        delivery_ids = [
            delivery.pk for claimed_lane in claimed_lanes for delivery, _ in claimed_lane.deliveries
        ]
        Delivery.unscoped.filter(pk__in=delivery_ids).update(
            state="delivered", lease=None, due_at=None
        )
        release_lanes(lease, [claimed_lane.lane.pk for claimed_lane in claimed_lanes], now=now)
    return milliseconds
