"""Kills of web and worker while mentions are received and processed, at random moments and at the
failpoints around each commit; the database is stopped and started. Every acknowledged mention
becomes exactly one event, and nothing else does.
"""

import math
import os
import random
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bench import slack
from bench.faults import process_groups
from bench.faults.installation import DOWN, is_true_or_unknown
from bench.faults.supervised_process import SupervisedProcess
from bench.faults.webhook_callers import WebhookCaller
from bench.figures import Bar, Figure
from bench.installation import postgres, web
from bench.installation.environments import OWN_SERVER
from bench.installation.processes import MANAGE, wait_until
from bench.sink.client import Sink
from bench.suite import Options
from hub.incoming.models import InboundMessage
from hub.outgoing.models import Event
from hub.processes.failpoints import DONE_FOLDER_NAME, SETTING_NAME, parse_plans

DATABASES = ("postgresql", "sqlite")
CALLERS, PER_SECOND, WORKSPACES = 8, 20, 4
WEB_PLANS, WORKER_PLANS = ("R1=kill@10,R2=kill@40",), ("R3=kill@5",)
ROUNDS = 3
BETWEEN = 1.0, 3.0  # seconds after which the next kill falls
BACK_WITHIN = 90.0  # seconds
NONE = Bar("==", 0)


class ReceivingInstallation:
    """A context: web and worker, kept running, and callers that deliver mentions."""

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.dice = random.Random(15)
        self.kills: list[str] = []
        self.stops: list[float] = []  # seconds that each took
        self.outages: list[tuple[float, float]] = []

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            prefix = "hub-bench-faults-"
            self.notes = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=prefix)))
            app = slack.stage(self.sink, workspaces=WORKSPACES)
            port = web.free_port()
            shell = web.environment_of(port)
            self.web = stack.enter_context(SupervisedProcess(web.command(), shell))
            self.worker = stack.enter_context(SupervisedProcess([*MANAGE, "work"], shell))
            web.wait_until_it_answers(port)
            self.callers = [
                WebhookCaller(port, app.path, str(number), row.account, PER_SECOND)
                for number, row in zip(range(CALLERS), app.workspaces * CALLERS, strict=False)
            ]
            for caller in self.callers:
                caller.start()
            self.wait_for_acknowledgement()
            self.wait_for_event()
            self.closing = stack.pop_all()  # from here on __exit__ does it
        return self

    def __exit__(self, *error: object) -> None:
        self.stop_callers()
        self.closing.close()

    def stop_callers(self) -> None:
        for caller in self.callers:
            caller.over.set()
        for caller in self.callers:
            caller.join(30)

    # --- what is seen -----------------------------------------------------------------------------

    @property
    def acknowledged(self) -> set[str]:
        return {id for caller in self.callers for id in list(caller.log.acknowledged)}

    def wait_for_acknowledgement(self) -> None:
        """Wait until another mention is acknowledged."""
        before = len(self.acknowledged)
        wait_until(
            lambda: len(self.acknowledged) > before, within=BACK_WITHIN, what="an acknowledgement"
        )

    def wait_for_event(self) -> None:
        """Wait until another event is published."""
        last = Event.unscoped.order_by("-pk").values_list("pk", flat=True).first() or 0
        newer = Event.unscoped.filter(pk__gt=last)
        wait_until(newer.exists, within=BACK_WITHIN, every=0.1, what="an event")

    def stop_and_wait(self) -> None:
        """Stop the callers, and wait until all that is stored is processed."""
        self.wait_for_acknowledgement()
        self.stop_callers()
        waiting = InboundMessage.unscoped.filter(due_at__isnull=False)
        wait_until(
            lambda: not is_true_or_unknown(waiting.exists),
            within=BACK_WITHIN,
            every=0.5,
            what="the inbox",
        )

    # --- what is done -----------------------------------------------------------------------------

    def strike(self, description: str) -> None:
        """One kill, and the wait until mentions are received and processed again."""
        getattr(self, description)()
        self.kills.append(description)
        self.wait_for_acknowledgement()
        self.wait_for_event()
        time.sleep(self.dice.uniform(*BETWEEN))

    def web_worker(self) -> None:
        process_groups.kill(*process_groups.children(self.web.pid))

    def web_master(self) -> None:
        process_groups.kill(self.web.pid)

    def member(self) -> None:
        """A member of the worker's pool: sooner or later the one that processes the inbox."""
        if members := process_groups.members_of(self.worker.pid):
            process_groups.kill(self.dice.choice(members))

    def pool(self) -> None:
        if group := process_groups.pool_of(self.worker.pid):
            process_groups.kill_group(group)

    def work(self) -> None:
        process_groups.kill(self.worker.pid)

    def database(self) -> None:
        """Killed, away for a few seconds, and there again."""
        folder = postgres.folder_of(os.environ["DATABASE_URL"])
        assert folder is not None, "it is struck where the server is ours only"
        with postgres.killed(folder):
            began = time.monotonic()
            time.sleep(DOWN)
            self.outages.append((began, time.monotonic()))
        nothing = Event.unscoped.filter(pk=0)  # our own connection is broken, too
        wait_until(
            lambda: not is_true_or_unknown(nothing.exists),
            within=BACK_WITHIN,
            every=0.2,
            what="the database",
        )

    def fail_at(self, supervised: SupervisedProcess, plan: str) -> None:
        """It starts anew, and its processes end by their own hands at these places, each once."""
        places = {SETTING_NAME: plan, DONE_FOLDER_NAME: str(self.notes)}
        supervised.environment = {**supervised.environment, **places}
        self.stops.append(supervised.stop())
        notes = [self.notes / point for point in parse_plans(plan)]
        wait_until(
            lambda: all(note.exists() for note in notes), within=BACK_WITHIN, every=0.1, what=plan
        )
        self.kills += [note.name for note in notes]
        self.wait_for_acknowledgement()
        self.wait_for_event()


@dataclass(frozen=True, slots=True)
class ReceivingResult:
    """What came of an attack: Slack's ids of what was acknowledged, and of each published event."""

    acknowledged: Collection[str]
    published: Sequence[str]
    kills: int
    stops: Sequence[float]  # seconds that each took
    refusals: Sequence[float] | None  # seconds until each 503 of an outage; None: there was none


def measure(sink: Sink, options: Options) -> Iterator[Figure]:
    with ReceivingInstallation(sink) as installation:
        for strike in list_strikes(options):
            installation.strike(strike)
        for plan in WEB_PLANS:
            installation.fail_at(installation.web, plan)
        for plan in WORKER_PLANS:
            installation.fail_at(installation.worker, plan)
        installation.stop_and_wait()
        result = ReceivingResult(
            installation.acknowledged,
            slack.published_ids(),
            len(installation.kills),
            installation.stops,
            list_refusals(installation) if installation.outages else None,
        )
    yield from figures(result, least=100 if options.quick else 1000)


def list_strikes(options: Options) -> Sequence[str]:
    """List what is struck; only a PostgreSQL of ours may be killed."""
    if options.quick:
        return ["web_worker", "member"]
    strikes = ["web_worker", "member", "pool", "web_master", "work", "member"] * ROUNDS
    return [*strikes, "database", "member", "database"] if OWN_SERVER in os.environ else strikes


def list_refusals(installation: ReceivingInstallation) -> list[float]:
    """Return how long each 503 took that was requested while the database was away."""
    refusals = [entry for caller in installation.callers for entry in caller.log.refusals]
    return [
        lasted
        for started, lasted, status in refusals
        if status == 503 and any(begin < started < end for begin, end in installation.outages)
    ]


def figures(result: ReceivingResult, *, least: int) -> Iterator[Figure]:
    acknowledged, published = set(result.acknowledged), set(result.published)
    yield figure("kills", result.kills, "kills")
    yield figure("acknowledged", len(acknowledged), "messages", Bar(">=", least))
    yield figure("lost", len(acknowledged - published), "messages", NONE)
    yield figure("published_twice", len(result.published) - len(published), "events", NONE)
    yield figure("not_acknowledged", len(published - acknowledged), "events", NONE)
    yield figure("stopped_within", max(result.stops), "s", Bar("<=", 25))
    if result.refusals is not None:
        slowest = max(result.refusals, default=math.inf)
        yield figure("refused_within", slowest, "s", Bar("<=", 2))


def figure(name: str, value: float, unit: str, bar: Bar | None = None) -> Figure:
    return Figure(f"faults_receiving_{name}", value, unit, bar=bar)
