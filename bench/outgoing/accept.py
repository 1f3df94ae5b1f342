"""Measure POST /api/v1/events, one event each, over 32 connections.

The figure is compared with two bare DRF views on the same server: one inserts row by row, and one
inserts everything by one statement, which is the bar.
"""

import asyncio
import itertools
import json
import os
import statistics
import time
from collections.abc import Iterator
from datetime import timedelta

from bench import seed
from bench.figures import Bar, Figure
from bench.installation.web import HUB, serving
from bench.sink.client import Sink
from bench.suite import Options
from hub.db.clock import clock
from hub.outgoing.models import PumpSlot
from tenants.models import ApiKey

DATABASES = ("postgresql",)
CALLERS, SECONDS, RUNS = 32, 10, 3
WARM = 1  # second
BARE, TUNED = "bench.baselines.bare_view:application", "bench.baselines.tuned_view:application"
HEAD = (
    "POST /api/v1/events HTTP/1.1\r\nHost: {place}\r\nAuthorization: Bearer {key}\r\n"
    "Content-Type: application/json\r\nContent-Length: {size}\r\n\r\n"
)


def measure(sink: Sink, options: Options) -> Iterator[Figure]:
    seconds, runs = (1, 1) if options.quick else (SECONDS, RUNS)
    key = stage(sink)
    rates: dict[str, list[float]] = {BARE: [], TUNED: [], HUB: []}
    for _ in range(runs):
        for application in rates:
            rates[application].append(rate(application, key, seconds))
    medians = {application: statistics.median(values) for application, values in rates.items()}
    yield Figure("accept_naive", medians[HUB], "requests/s", medians[BARE])
    yield Figure("accept", medians[HUB], "requests/s", medians[TUNED], Bar(">=", 0.6, of="ratio"))


def stage(sink: Sink) -> str:
    """Create a connection and its route, and return the text of an API key.

    A slot is taken, as by a running pump, so no wake-up is sent.
    """
    seed.empty()
    (row,) = seed.connections(1, sink.url + "/ok/{}")
    seed.route()
    PumpSlot.objects.create(number=0, lease_until=clock() + timedelta(hours=1))
    return ApiKey.issue(
        name="bench", scopes=["events:write"], random=os.urandom, tenant=row.tenant
    )[1]


def rate(application: str, key: str, seconds: float) -> float:
    with serving(application) as place:
        asyncio.run(surge(place, key, WARM))
        return asyncio.run(surge(place, key, seconds))


async def surge(place: str, key: str, seconds: float) -> float:
    """Return how many events are accepted per second."""
    numbers, begin = itertools.count(), time.monotonic()
    counts = await asyncio.gather(
        *(caller(place, key, numbers, begin + seconds) for _ in range(CALLERS))
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
