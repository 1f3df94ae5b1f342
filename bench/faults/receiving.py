"""Kills of web and worker while mentions are received and processed, at random moments and at the
failpoints around each commit; the database is stopped and started. Every acknowledged mention
becomes exactly one event, and nothing else does.
"""

import math
import os
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from bench import postgres, slack, web
from bench.environments import OWN_SERVER
from bench.faults import process_groups
from bench.faults.installation import DOWN, is_true_or_unknown
from bench.faults.supervised_process import SupervisedProcess
from bench.faults.webhook_callers import WebhookCaller
from bench.figures import Bar, Figure
from bench.processes import MANAGE, wait_until
from bench.sink_client import Sink
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

    def calm_down(self) -> None:
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


def measure(sink: Sink, options: Options) -> Iterator[Figure]:
    strikes, is_own_server = list_strikes(options), OWN_SERVER in os.environ
    with ReceivingInstallation(sink) as installation:
        for strike in strikes:
            installation.strike(strike)
        for plan in WEB_PLANS:
            installation.fail_at(installation.web, plan)
        for plan in WORKER_PLANS:
            installation.fail_at(installation.worker, plan)
        installation.calm_down()
        published = Counter(slack.published_ids())
    yield from figures(installation, published, outages=is_own_server and not options.quick)


def list_strikes(options: Options) -> Sequence[str]:
    """List what is struck; only a PostgreSQL of ours may be killed."""
    if options.quick:
        return ["web_worker", "member"]
    strikes = ["web_worker", "member", "pool", "web_master", "work", "member"] * ROUNDS
    return [*strikes, "database", "member", "database"] if OWN_SERVER in os.environ else strikes


def figures(
    installation: ReceivingInstallation, published: Counter[str], *, outages: bool
) -> Iterator[Figure]:
    acknowledged = installation.acknowledged
    kills = len(installation.kills)
    least = 100 if kills < 10 else 1000
    yield figure("kills", kills, "kills")
    yield figure("acknowledged", len(acknowledged), "messages", Bar(">=", least))
    yield figure("lost", len(acknowledged - published.keys()), "messages", NONE)
    repeated = sum(count - 1 for count in published.values())
    yield figure("published_twice", repeated, "events", NONE)
    yield figure("not_acknowledged", len(published.keys() - acknowledged), "events", NONE)
    yield figure("stopped_within", max(installation.stops), "s", Bar("<=", 25))
    if outages:
        refusals = [entry for caller in installation.callers for entry in caller.log.refusals]
        refused = [
            lasted
            for started, lasted, status in refusals
            if status == 503 and any(a < started < b for a, b in installation.outages)
        ]
        yield figure("refused_within", max(refused, default=math.inf), "s", Bar("<=", 2))


def figure(name: str, value: float, unit: str, bar: Bar | None = None) -> Figure:
    return Figure(f"faults_receiving_{name}", value, unit, bar=bar)
