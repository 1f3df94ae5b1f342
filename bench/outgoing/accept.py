"""Measure POST /api/v1/events, one event each, over 32 connections.

The figure is compared with two bare DRF views on the same server: one inserts row by row, and one
inserts everything by one statement, which is the bar. A second rate is that of an installation with
the default limits, whose worker delivers meanwhile.
"""

import asyncio
import itertools
import json
import os
import statistics
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta

from bench import seed
from bench.figures import Bar, Figure
from bench.installation.web import DEFAULT_LIMITS, HUB, serving
from bench.sink.client import Sink
from bench.source import worker
from bench.suite import Options
from hub.db.clock import clock
from hub.processes.loop_slots import LoopSlot
from tenants.models import ApiKey, Tenant

DATABASES = ("postgresql",)
CALLERS, SECONDS, RUNS = 32, 10, 3
WARM = 1  # second
TENANTS = 8  # of the installation with limits: one key alone would reach its own
BARE, TUNED = "bench.baselines.bare_view:application", "bench.baselines.tuned_view:application"
HEAD = (
    "POST /api/v1/events HTTP/1.1\r\nHost: {place}\r\nAuthorization: Bearer {key}\r\n"
    "Content-Type: application/json\r\nContent-Length: {size}\r\n\r\n"
)


def measure(sink: Sink, options: Options) -> Iterator[Figure]:
    seconds, runs = (1, 1) if options.quick else (SECONDS, RUNS)
    (key,) = stage(sink)
    # as if a pump ran, so that no wake-up is sent
    LoopSlot.objects.create(kind="pump", number=0, lease_until=clock() + timedelta(hours=1))
    rates: dict[str, list[float]] = {BARE: [], TUNED: [], HUB: []}
    for _ in range(runs):
        for application in rates:
            rates[application].append(rate(application, [key], seconds))
    medians = {application: statistics.median(values) for application, values in rates.items()}
    yield Figure("accept_naive", medians[HUB], "requests/s", medians[BARE])
    yield Figure("accept", medians[HUB], "requests/s", medians[TUNED], Bar(">=", 0.6, of="ratio"))
    keys = stage(sink, tenants=TENANTS)
    with serving(settings=DEFAULT_LIMITS) as place, worker(sink, Tenant.objects.earliest("pk")):
        delivering = asyncio.run(surge(place, keys, seconds))
    yield Figure("accept_delivering", delivering, "requests/s", medians[TUNED])


def stage(sink: Sink, *, tenants: int = 1) -> list[str]:
    """Create a connection of each tenant and their route; return the text of each one's API key."""
    seed.empty()
    rows = seed.connections(tenants, sink.url + "/ok/{}", tenants=tenants)
    seed.route()
    return [
        ApiKey.issue(
            name="bench", scopes=["events:write"], random=os.urandom, tenant=seed.tenant_of(row)
        )[1]
        for row in rows
    ]


def rate(application: str, keys: Sequence[str], seconds: float) -> float:
    with serving(application) as place:
        asyncio.run(surge(place, keys, WARM))
        return asyncio.run(surge(place, keys, seconds))


async def surge(place: str, keys: Sequence[str], seconds: float) -> float:
    """Return how many events are accepted per second; the callers take the keys in turns."""
    numbers, begin = itertools.count(), time.monotonic()
    callers = zip(range(CALLERS), itertools.cycle(keys), strict=False)
    counts = await asyncio.gather(
        *(caller(place, key, numbers, begin + seconds) for _, key in callers)
    )
    return sum(counts) / (time.monotonic() - begin)


async def caller(place: str, key: str, numbers: Iterator[int], end: float) -> int:
    """Send one event after another on one connection; return how many. Each must be accepted."""
    reader, writer = await asyncio.open_connection(*place.split(":"))
    accepted, run = 0, os.urandom(4).hex()
    while time.monotonic() < end:
        number = next(numbers)
        body = json.dumps(
            {"id": f"{run}-{number}", "type": "order.created", "data": seed.order(number)}
        )
        writer.write((HEAD.format(place=place, key=key, size=len(body)) + body).encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        answer = await reader.readexactly(
            int(head.partition("content-length:")[2].split("\r\n")[0])
        )
        if " 20" not in head[:13]:
            raise SystemExit(f"not accepted: {head}{answer.decode()}")
        accepted += 1
    writer.close()
    return accepted
