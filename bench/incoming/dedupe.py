"""Measure 50 copies at the same time of each of 1,000 events: each is published once."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from functools import partial

from bench import slack
from bench.figures import Bar, Figure
from bench.incoming.installation import installation
from bench.incoming.sender import send
from bench.installation.processes import wait_until
from bench.sink.client import Sink
from bench.suite import Options
from hub.incoming.models import InboundMessage

DATABASES = ("postgresql", "sqlite")
IDS, COPIES = 1_000, 50
PREFIX = "EvD"
WITHIN = 120.0  # seconds


def measure(sink: Sink, options: Options) -> Iterator[Figure]:
    ids = [f"{PREFIX}{number:08d}" for number in range(20 if options.quick else IDS)]
    app = slack.stage(sink)
    with installation(sink, app) as place:
        team = app.workspaces[0].account
        requests = [
            (id, partial(app.request, place, id, team)) for id in ids for _ in range(COPIES)
        ]
        answers = asyncio.run(send(place, requests, connections=COPIES))
        wait_until(is_inbox_empty, within=WITHIN, every=0.2, what="the inbox")
        published = Counter(id for id in slack.published_ids() if id.startswith(PREFIX))
    refused = sum(answer.status != 200 for answer in answers)
    yield Figure("dedupe_not_acknowledged", refused, "requests", bar=Bar("==", 0))
    yield Figure("dedupe_events", published.total(), "events", bar=Bar("==", len(ids)))
    yield Figure("dedupe_ids", len(published), "ids", bar=Bar("==", len(ids)))


def is_inbox_empty() -> bool:
    """Whether no message waits to be processed."""
    return not InboundMessage.unscoped.filter(due_at__isnull=False).exists()
