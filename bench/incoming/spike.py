"""Measure 5,000 mentions of one workspace over 200 connections, as fast as they are answered,
beside another workspace with five a second.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import partial

from bench import slack
from bench.checker import percentile
from bench.figures import Bar, Figure
from bench.incoming.installation import installation
from bench.incoming.sender import Answer, Build, send
from bench.installation.processes import wait_until
from bench.sink.client import Sink
from bench.slack import SlackApp
from bench.suite import Options
from hub.incoming.models import InboundMessage

DATABASES = ("postgresql",)
MENTIONS, CONNECTIONS = 5_000, 200
PER_SECOND, QUIET_SECONDS, BESIDE_SECONDS = 5, 15, 20
SPIKE_AFTER = 2.0  # seconds that the quiet workspace is alone
LEAST = 500  # ms
PROCESSED_WITHIN = 120.0  # seconds


def measure(sink: Sink, options: Options) -> Iterator[Figure]:
    mentions, quiet_seconds, beside_seconds = (
        (200, 2, 3) if options.quick else (MENTIONS, QUIET_SECONDS, BESIDE_SECONDS)
    )
    app = slack.stage(sink, workspaces=2)
    with installation(sink, app) as place:
        asyncio.run(send_quiet(app, place, "EvQ", quiet_seconds))
        alone = p95(processing_times("EvQ"))
        answers = asyncio.run(send_spike(app, place, mentions, beside_seconds))
        beside = p95(processing_times("EvB"))
        processing_times("EvS")  # all of them
    statuses = Counter(answer.status for answer in answers)
    waits = [answer.milliseconds for answer in answers]
    took = max(answer.answered_at for answer in answers) - min(answer.due_at for answer in answers)
    yield Figure("spike_not_accepted", mentions - statuses[200], "requests", bar=Bar("==", 0))
    yield Figure("spike_took", took, "s")
    yield Figure("spike_p99", percentile(waits, 0.99), "ms", bar=Bar("<=", 3000))
    limit = max(LEAST, 2 * alone)
    yield Figure("spike_beside_p95", beside, "ms", alone, Bar("<=", limit))


async def send_quiet(app: SlackApp, place: str, prefix: str, seconds: int) -> list[Answer]:
    """Send mentions of the quiet workspace at an even pace."""
    ids = [f"{prefix}{number:08d}" for number in range(PER_SECOND * seconds)]
    requests = build_requests(app, place, ids, workspace=1)
    return await send(place, requests, connections=2, per_second=PER_SECOND)


async def send_spike(app: SlackApp, place: str, mentions: int, seconds: int) -> list[Answer]:
    """Send the spike beside the quiet workspace; return the answers of the spike."""
    quiet = asyncio.create_task(send_quiet(app, place, "EvB", seconds))
    await asyncio.sleep(SPIKE_AFTER)
    ids = [f"EvS{number:08d}" for number in range(mentions)]
    requests = build_requests(app, place, ids, workspace=0)
    answers = await send(place, requests, connections=CONNECTIONS)
    await quiet
    return answers


def build_requests(
    app: SlackApp, place: str, ids: Iterable[str], *, workspace: int
) -> Iterator[tuple[str, Build]]:
    """Yield the request of a mention of this workspace for each id, signed when it is sent."""
    team = app.workspaces[workspace].account
    for id in ids:
        yield id, partial(app.request, place, id, team)


def p95(times: Iterable[tuple[datetime, datetime]]) -> float:
    """Return the milliseconds from received to processed."""
    waits = [(processed - received).total_seconds() * 1000 for received, processed in times]
    return percentile(waits, 0.95)


def processing_times(prefix: str) -> list[tuple[datetime, datetime]]:
    """Return when each message with such an id was received and processed, once all are."""
    messages = InboundMessage.unscoped.filter(message_key__startswith=prefix)
    wait_until(
        lambda: not messages.filter(processed_at=None).exists(),
        within=PROCESSED_WITHIN,
        every=0.2,
        what="the inbox",
    )
    return [
        (received_at, processed_at)
        for received_at, processed_at in messages.values_list("received_at", "processed_at")
        if processed_at is not None
    ]
