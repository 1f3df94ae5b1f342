"""Web and worker, from the first mention on that has arrived at our application."""

import asyncio
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial

from bench.incoming.sender import send
from bench.installation.processes import MANAGE, running, wait_until
from bench.installation.web import serving
from bench.sink.client import Sink
from bench.slack import SlackApp

START_WITHIN = 60.0  # seconds


@contextmanager
def installation(
    sink: Sink, app: SlackApp, *, settings: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Run both; yield the place of the web server, "host:port". `settings`: of both processes."""
    environment = os.environ | (settings or {})
    worker = running([*MANAGE, "work"], environment=environment, stdout=sys.stderr)
    with serving(settings=settings) as place, worker:
        before = sink.count()
        first = partial(app.request, place, "Ev_first", app.workspaces[0].account)
        asyncio.run(send(place, [("Ev_first", first)], connections=1))
        wait_until(
            lambda: sink.count() > before, within=START_WITHIN, what="the first mention's delivery"
        )
        yield place
