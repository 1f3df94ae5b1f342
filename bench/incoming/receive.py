"""Measure signed Slack events over 32 connections, 1 % tampered and 5 % duplicated.

The rate is compared with a bare DRF view that makes the same INSERT on the same server, and with
the reference edge. At half that rate the answers are timed, with the pace of the sender. A second
rate is that of an installation with the default limits, whose worker processes and delivers
meanwhile.
"""

import argparse
import asyncio
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta

from bench import slack
from bench.baselines import reference_edge
from bench.baselines.load_generator import Load
from bench.checker import percentile
from bench.figures import Bar, Figure
from bench.incoming.installation import installation
from bench.incoming.sender import send
from bench.installation.web import DEFAULT_LIMITS, HUB, serving
from bench.outgoing.drain import alternate
from bench.sink.client import Sink
from bench.slack import SlackApp
from bench.suite import Options
from hub.db.clock import clock
from hub.db.ids import uuid7
from hub.processes.loop_slots import LoopSlot

DATABASES = ("postgresql",)
# what is received here is never processed, and more than may wait in production
NO_BACKLOG_LIMIT = {"HUB_INBOX_BACKLOG": "10000000"}
CONNECTIONS, SECONDS, RUNS = 32, 8, 3
WARM = 1  # second
TAMPERED, DUPLICATED = 0.01, 0.05
TEAM = "T0000"
VIEW = "bench.baselines.bare_webhook_view:application"
GOOD, REJECTED = 200, 401


class Sent:
    """The loads that were sent to one server, each with ids of its own."""

    def __init__(self, first_seed: int) -> None:
        self.seed = first_seed
        self.good: set[str] = set()  # ids, of all runs

    def send(self, url: str, seconds: float) -> float:
        """Send for so long; return requests a second. Raises SystemExit for any other status."""
        load = self.new_load(url, seconds)
        took = asyncio.run(load.run())
        self.good |= load.good
        check_statuses(load.statuses)
        return len(load.waits) / took

    def new_load(self, url: str, seconds: float) -> Load:
        self.seed += 1
        options = argparse.Namespace(
            secret=slack.SECRET,
            team=TEAM,
            seconds=seconds,
            connections=CONNECTIONS,
            tampered=TAMPERED,
            duplicated=DUPLICATED,
            seed=self.seed,
        )
        return Load(options, url)


def measure(sink: Sink, options: Options) -> Iterator[Figure]:
    seconds, runs = (1, 1) if options.quick else (SECONDS, RUNS)
    app = slack.stage(sink)
    # as if the inbox ran, so that no wake-up is sent
    LoopSlot.objects.create(
        kind="inbox", number=0, lease=uuid7(), lease_until=clock() + timedelta(hours=1)
    )
    hub, view, edge = (Sent(first_seed) for first_seed in (0, 3000, 6000))
    runners: Mapping[str, Callable[[], float]] = {
        "view": lambda: rate_of_application(VIEW, app, view, seconds),
        "edge": lambda: rate_of_edge(edge, seconds),
        "hub": lambda: rate_of_application(HUB, app, hub, seconds),
    }
    rates = alternate(runners, runs)
    rate = rates["hub"]
    yield Figure("receive", rate, "requests/s", rates["view"], Bar(">=", 0.9, of="ratio"))
    yield Figure("receive_edge", rate, "requests/s", rates["edge"], Bar(">=", 0.25, of="ratio"))
    waits = half_rate_waits(app, hub, rate / 2, seconds)
    yield Figure("receive_half_p50", percentile(waits, 0.5), "ms")
    yield Figure("receive_half_p99", percentile(waits, 0.99), "ms", bar=Bar("<=", 40))
    stored = slack.stored_ids() - view.good
    yield Figure("receive_wrong_ids", len(stored ^ hub.good), "ids", bar=Bar("==", 0))
    rate = rate_beside_processing(sink, seconds)
    yield Figure("receive_processing", rate, "requests/s", rates["view"])


def rate_of_application(application: str, app: SlackApp, sent: Sent, seconds: float) -> float:
    with serving(application, settings=NO_BACKLOG_LIMIT) as place:
        sent.send(app.url(place).geturl(), WARM)
        return sent.send(app.url(place).geturl(), seconds)


def rate_beside_processing(sink: Sink, seconds: float) -> float:
    """Return the rate with the default limits, beside a worker that processes and delivers."""
    app = slack.stage(sink)
    with installation(sink, app, settings=DEFAULT_LIMITS) as place:
        return Sent(9000).send(app.url(place).geturl(), seconds)


def rate_of_edge(sent: Sent, seconds: float) -> float:
    database = os.environ["DATABASE_URL"]
    reference_edge.create_table(database)
    with reference_edge.serving(database) as url:
        sent.send(url, WARM)
        return sent.send(url, seconds)


def half_rate_waits(app: SlackApp, sent: Sent, per_second: float, seconds: float) -> list[float]:
    """Return the milliseconds of each answer at this pace, from when it was to be sent."""
    with serving(settings=NO_BACKLOG_LIMIT) as place:
        load = sent.new_load(app.url(place).geturl(), seconds)
        warm_up = ((str(number), load.next) for number in range(CONNECTIONS * 4))
        requests = ((str(number), load.next) for number in range(round(per_second * seconds)))
        asyncio.run(send(place, warm_up, connections=CONNECTIONS))
        answers = asyncio.run(send(place, requests, connections=CONNECTIONS, per_second=per_second))
    sent.good |= load.good
    check_statuses(Counter(answer.status for answer in answers))
    return [answer.milliseconds for answer in answers]


def check_statuses(statuses: Mapping[int, int]) -> None:
    """Raise SystemExit if anything was answered but acceptance and rejection."""
    if set(statuses) - {GOOD, REJECTED}:
        raise SystemExit(f"answered with {dict(statuses)}: this is no measurement")
