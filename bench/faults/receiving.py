"""Kills of web and worker while mentions are received, processed, released and replayed, at random
moments and at the failpoints around each commit; the database is stopped and started. Every
acknowledged mention becomes exactly one event, and nothing else does. A message that kills the
process which reads it is set aside.
"""

import math
import os
import random
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from django.db import transaction

from bench import slack
from bench.faults.installation import DOWN, is_true_or_unknown
from bench.faults.supervised_process import SupervisedProcess
from bench.faults.webhook_callers import WebhookCaller
from bench.figures import Bar, Figure
from bench.installation import postgres, process_groups, web
from bench.installation.environments import OWN_SERVER
from bench.installation.processes import python_command, wait_until
from bench.sink.client import Sink
from bench.suite import Options
from hub.audit import ActorContext
from hub.connections.models import Connection
from hub.db.clock import clock
from hub.incoming.models import InboundItem, InboundMessage
from hub.incoming.processing.message_rows import MESSAGE_FAILED
from hub.incoming.processing.replay import plan_replay
from hub.operations.operation_actions import confirm_operation
from hub.outgoing.models import Event
from hub.processes.failpoints import DONE_FOLDER_NAME, SETTING_NAME, parse_plans

DATABASES = ("postgresql", "sqlite")
CALLERS, PER_SECOND, WORKSPACES = 8, 20, 4
RECEIVE, PROCESS = "R1=kill@10,R2=kill@40", "R3=kill@5,R4=kill@5"
RELEASE, REPLAY = "R5=kill@1,R6=kill@1,R7=kill@1,R8=kill@1", "R9=kill@1,R0=kill@1"
POINTS = [point for plan in (RECEIVE, PROCESS, RELEASE, REPLAY) for point in parse_plans(plan)]
UNREADABLE = b'{"type": "mystery", "team_id": "T0000"}'
POISONOUS = b'{"type": "event_callback", "team_id": "T0000", "event_id": "EvPOISON"}'
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
            command = python_command("bench.programs.poison_work")
            self.worker = stack.enter_context(SupervisedProcess(command, shell))
            self.workspace = app.workspaces[0]
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
            started_at = time.monotonic()
            time.sleep(DOWN)
            self.outages.append((started_at, time.monotonic()))
        nothing = Event.unscoped.filter(pk=0)  # our own connection is broken, too
        wait_until(
            lambda: not is_true_or_unknown(nothing.exists),
            within=BACK_WITHIN,
            every=0.2,
            what="the database",
        )

    def fail_at_each_point(self, number: int) -> None:
        """One kill at each failpoint."""
        self.fail_at([self.web], RECEIVE, number)
        self.fail_at([self.worker], PROCESS, number)
        with self.held_messages():
            # the sweep that releases runs in both
            notes = self.prepare_failures([self.web, self.worker], RELEASE, number)
        self.wait_for_kills(notes, RELEASE)
        notes = self.prepare_failures([self.worker], REPLAY, number)
        self.replay_unreadable()
        self.wait_for_kills(notes, REPLAY)

    def fail_at(self, supervised: Sequence[SupervisedProcess], plan: str, number: int) -> None:
        self.wait_for_kills(self.prepare_failures(supervised, plan, number), plan)

    def prepare_failures(
        self, supervised: Sequence[SupervisedProcess], plan: str, number: int
    ) -> list[Path]:
        """They start anew, and their processes end by their own hands at these places, each once.

        Return the files that show it.
        """
        folder = self.notes / str(number)
        folder.mkdir(exist_ok=True)
        for process in supervised:
            places = {SETTING_NAME: plan, DONE_FOLDER_NAME: str(folder)}
            process.environment = {**process.environment, **places}
            self.stops.append(process.stop())
        return [folder / point for point in parse_plans(plan)]

    def wait_for_kills(self, notes: Sequence[Path], plan: str) -> None:
        wait_until(
            lambda: all(note.exists() for note in notes), within=BACK_WITHIN, every=0.1, what=plan
        )
        self.kills += [note.name for note in notes]
        self.wait_for_acknowledgement()
        self.wait_for_event()

    @contextmanager
    def held_messages(self) -> Iterator[None]:
        """Pause a workspace until some of its messages are held, and resume it after the block."""
        workspace = Connection.unscoped.get(pk=self.workspace.pk)
        with transaction.atomic():
            workspace.pause("a bench", until=None, now=clock())
        held_items = InboundItem.unscoped.filter(connection=workspace, state="held")
        wait_until(held_items.exists, within=BACK_WITHIN, every=0.2, what="held messages")
        yield
        with transaction.atomic():
            Connection.unscoped.get(pk=workspace.pk).resume(now=clock())

    def replay_unreadable(self) -> None:
        """Replay a message that cannot be read, which is set aside again."""
        unreadable = InboundItem.unscoped.filter(state="quarantined")
        if not unreadable.exists():
            self.post_until_stored(UNREADABLE)
            wait_until(unreadable.exists, within=BACK_WITHIN, every=0.2, what="what is set aside")
        actor = ActorContext.system()
        operation = plan_replay(
            {"state": "quarantined"}, actor, tenant=None, reason="a bench", now=clock()
        )
        confirm_operation(operation, actor, now=clock())

    def post_until_stored(self, body: bytes) -> None:
        """Deliver a request until it is acknowledged."""
        caller = self.callers[0]
        sender = WebhookCaller(caller.place[1], caller.path, "single", "T0000", PER_SECOND)
        wait_until(
            lambda: sender.post_body(body) == 200, within=BACK_WITHIN, every=0.5, what="a 200"
        )
        sender.hang_up()

    def poison(self) -> int:
        """Deliver a message that kills its process; return whether it was set aside, as 0 or 1."""
        self.post_until_stored(POISONOUS)
        failed = InboundItem.unscoped.filter(state="quarantined", reason=MESSAGE_FAILED)
        wait_until(failed.exists, within=BACK_WITHIN, every=0.5, what="the end of its attempts")
        self.wait_for_event()
        return failed.count()


@dataclass(frozen=True, slots=True)
class ReceivingResult:
    """What came of an attack: Slack's ids of what was acknowledged, and of each published event."""

    acknowledged: Collection[str]
    published: Sequence[str]
    kills: Sequence[str]  # what was struck, or the failpoint
    poisoned: int  # messages that were set aside, as they kill their process
    stops: Sequence[float]  # seconds that each took
    refusals: Sequence[float] | None  # seconds until each 503 of an outage; None: there was none


def measure(sink: Sink, options: Options) -> Iterator[Figure]:
    with ReceivingInstallation(sink) as installation:
        for strike in list_strikes(options):
            installation.strike(strike)
        rounds = 1 if options.quick else ROUNDS
        for number in range(rounds):
            installation.fail_at_each_point(number)
        poisoned = installation.poison()
        installation.stop_and_wait()
        result = ReceivingResult(
            installation.acknowledged,
            slack.published_ids(),
            installation.kills,
            poisoned,
            installation.stops,
            list_refusals(installation) if installation.outages else None,
        )
    yield from figures(result, least=100 if options.quick else 1000, rounds=rounds)


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


def figures(result: ReceivingResult, *, least: int, rounds: int) -> Iterator[Figure]:
    acknowledged, published = set(result.acknowledged), set(result.published)
    yield figure("kills", len(result.kills), "kills")
    fewest = min(result.kills.count(point) for point in POINTS)
    yield figure("kills_at_each_point", fewest, "kills", Bar(">=", rounds))
    yield figure("poisonous_set_aside", result.poisoned, "messages", Bar("==", 1))
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
