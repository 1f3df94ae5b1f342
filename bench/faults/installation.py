"""The hub under attack: web and worker, kept running; callers that tell events; and how to hurt
it.
"""

import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Self

from django.db import Error
from django.db import connection as database
from django.db.models import Q

from bench import seed
from bench.faults import clock_conversion as clocks
from bench.faults.event_callers import Caller
from bench.faults.kill import Kill
from bench.faults.owners import SocketOwners
from bench.faults.supervised_process import SupervisedProcess
from bench.installation import postgres, process_groups, web
from bench.installation.processes import MANAGE, wait_until
from bench.sink.client import Sink
from hub.connections.models import Connection
from hub.outgoing.models import Delivery, Route
from hub.processes.failpoints import DONE_FOLDER_NAME, SETTING_NAME, parse_plans
from tenants.models import ApiKey, Tenant

TENANTS = 20
PACE = 50  # calls a second to each: a quota that holds nothing up, so that calls are booked
ANSWER = 300  # milliseconds that the sink takes, so that something is always on its way
ORDERED = 2  # callers whose events have an order
# events of each; of an ordered row goes one after the other, each for ANSWER
PER_SECOND_ORDERED = 1
BACK_WITHIN = 75.0  # seconds
SHOWN = 20  # deliveries that did not arrive
SHOWN_FIELDS = (
    "state",
    "reason",
    "due_at",
    "state_changed_at",
    "attempt_count",
    "crash_count",
    "position",
    "lease",
    "connection__lane__lease",
    "connection__lane__lease_until",
    "connection__lane__due_at",
    "connection__lane__hold_reason",
)
INTO_RECOVERY = 0.2, 4.0  # seconds after a kill at which the next one falls
NOTICED = 1.0  # seconds until a worker has ended what is left of a broken pool
DOWN = 4.0  # seconds that the database stays away


class AttackedInstallation:
    """A context: everything runs within."""

    def __init__(self, sink: Sink, *, callers: int, per_second: int) -> None:
        self.sink, self.sink_port = sink, int(sink.place.rpartition(":")[2])
        self.unordered_callers, self.per_second = callers, (per_second, PER_SECOND_ORDERED)
        self.owners = SocketOwners(self.sink_port)
        self.kills: list[Kill] = []
        self.stops: list[float] = []  # seconds that each took
        self.replaced_within: list[float] = []  # seconds until killed members were replaced
        self.outages: list[tuple[float, float]] = []
        self.pools: set[int | None] = set()
        self.dice = random.Random(7)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self.notes = Path(
                stack.enter_context(tempfile.TemporaryDirectory(prefix="hub-bench-faults-"))
            )
            self.key, tenants, self.ordered = prepare_tenants(self.sink)
            port = web.free_port()
            shell = web.environment_of(port)
            self.web = stack.enter_context(SupervisedProcess(web.command(), shell))
            self.worker = stack.enter_context(SupervisedProcess([*MANAGE, "work"], shell))
            stack.enter_context(self.owners)
            web.wait_until_it_answers(port)
            self.callers = [
                Caller(
                    port, self.key, f"free-{number}", "order.created", tenants, self.per_second[0]
                )
                for number in range(self.unordered_callers)
            ] + [
                Caller(
                    port,
                    self.key,
                    f"row-{number}",
                    "order.moved",
                    tenants[number : number + 1],
                    self.per_second[1],
                )
                for number in range(ORDERED)
            ]
            for caller in self.callers:
                caller.start()
            self.flows()
            self.closing = stack.pop_all()  # from here on __exit__ does it
        return self

    def __exit__(self, *error: object) -> None:
        for caller in self.callers:
            caller.over.set()
        self.closing.close()

    def stop_and_wait(self) -> None:
        """No more events; everything that was told arrives."""
        for caller in self.callers:
            caller.over.set()
        for caller in self.callers:
            caller.join(30)
        lying = Delivery.unscoped.filter(state__in=("waiting", "sending"))
        try:
            wait_until(
                lambda: not is_true_or_unknown(lying.exists),
                within=BACK_WITHIN,
                every=0.5,
                what="all deliveries",
            )
        except TimeoutError:  # they are counted as not delivered
            for row in lying.values(*SHOWN_FIELDS)[:SHOWN]:
                print(f"still there: {row}", file=sys.stderr)

    # --- what is seen -----------------------------------------------------------------------------

    def flows(self) -> None:
        """Until something arrives."""
        before = self.sink.count()
        wait_until(
            lambda: self.sink.count() > before, within=BACK_WITHIN, every=0.1, what="a delivery"
        )

    def recovers(self, *, since: float) -> None:
        """Until nothing is left of what was on its way at this moment."""
        lost = Delivery.unscoped.filter(
            Q(state="sending", state_changed_at__lt=clocks.wall(since))
            | Q(state__in=("waiting", "sending"), crash_count__gt=0)
        )
        wait_until(
            lambda: not is_true_or_unknown(lost.exists),
            within=BACK_WITHIN,
            every=0.3,
            what="what was on its way",
        )
        self.flows()

    # --- what is done -----------------------------------------------------------------------------

    def strike(self, description: str, *, into_recovery: bool) -> None:
        """One kill, and the wait until what it hit goes on; into a recovery: the next one falls
        before that.
        """
        self.wait_for_pump()
        self.pools.add(process_groups.pool_of(self.worker.pid))
        getattr(self, description)()
        if into_recovery:
            time.sleep(self.dice.uniform(*INTO_RECOVERY))
        else:
            time.sleep(NOTICED)
            self.recovers(since=time.monotonic())

    def wait_for_pump(self) -> None:
        """Until the pool has a pump that sends."""
        wait_until(
            lambda: process_groups.pumps_of(self.worker.pid, self.sink_port),
            within=BACK_WITHIN,
            every=0.1,
            what="a pump",
        )

    def kill(
        self, description: str, *pids: int, group: int | None = None, hits_worker: bool = True
    ) -> None:
        """Stop them, note who they are and what they hold, and end them.

        A sample takes long on a busy machine: what they opened during it would not be seen.
        """
        process_groups.stop(*pids)
        if group:
            process_groups.stop_group(group)
        at = time.monotonic()
        members = process_groups.processes_of(group) if group else []
        self.owners.sample()
        self.kills.append(Kill(at, description, frozenset([*pids, *members]), hits_worker))
        process_groups.kill(*pids)
        if group:
            process_groups.kill_group(group)

    def pump(self) -> None:
        self.kill(
            "pump", self.dice.choice(process_groups.pumps_of(self.worker.pid, self.sink_port))
        )

    def idle_members(self) -> list[int]:
        """Those that do not send."""
        members, pumps = (
            process_groups.members_of(self.worker.pid),
            process_groups.pumps_of(self.worker.pid, self.sink_port),
        )
        return [pid for pid in members if pid not in pumps]

    def helper(self) -> None:
        wait_until(
            self.idle_members, within=BACK_WITHIN, every=0.1, what="a member that does not send"
        )
        self.kill("helper", self.dice.choice(self.idle_members()))

    def idle(self) -> None:
        """All that do not send: nothing takes a task until the pool has replaced them."""
        members, started = process_groups.members_of(self.worker.pid), time.monotonic()
        killed = self.idle_members()
        self.kill("idle", *killed)
        is_replaced = partial(self.has_replaced, killed, count=len(members))
        wait_until(is_replaced, within=BACK_WITHIN, every=0.1, what="new members")
        self.replaced_within.append(time.monotonic() - started)

    def has_replaced(self, killed: list[int], *, count: int) -> bool:
        """Return whether the pool has so many members, and none that was killed."""
        members = process_groups.members_of(self.worker.pid)
        return len(members) >= count and not set(killed).intersection(members)

    def sentinel(self) -> None:
        """The pool's first process, which is its pusher and its monitor, too."""
        if pool := process_groups.pool_of(self.worker.pid):
            self.kill("sentinel", pool)

    def pool(self) -> None:
        self.kill("pool", group=process_groups.pool_of(self.worker.pid))

    def work(self) -> None:
        self.kill("work", self.worker.pid)

    def everything(self) -> None:
        self.kill(
            "everything",
            self.worker.pid,
            self.web.pid,
            group=process_groups.pool_of(self.worker.pid),
        )

    def web_worker(self) -> None:
        self.kill("web_worker", *process_groups.children(self.web.pid), hits_worker=False)

    def web_master(self) -> None:
        self.kill("web_master", self.web.pid, hits_worker=False)

    def database(self) -> None:
        """Killed, away for a few seconds, and there again."""
        folder = postgres.folder_of(os.environ["DATABASE_URL"])
        assert folder is not None, "it is struck where the server is ours only"
        self.kills.append(Kill(time.monotonic(), "database"))
        with postgres.killed(folder):
            outage_start = time.monotonic()
            time.sleep(DOWN)
            back = time.monotonic()
        self.outages.append((outage_start, back))
        self.flows()

    def fail_at(self, supervised: SupervisedProcess, plan: str) -> None:
        """It starts anew, and its processes end by their own hands at these places, each once."""
        places = {SETTING_NAME: plan, DONE_FOLDER_NAME: str(self.notes)}
        supervised.environment = {**supervised.environment, **places}
        self.stops.append(supervised.stop())
        notes = [self.notes / point for point in parse_plans(plan)]
        wait_until(
            lambda: all(note.exists() for note in notes), within=BACK_WITHIN, every=0.1, what=plan
        )
        self.kills += [self.kill_noted_in(note) for note in notes]
        self.recovers(since=time.monotonic())

    def kill_noted_in(self, note: Path) -> Kill:
        at, pid = note.read_text().split()
        return Kill(
            float(at), note.name, frozenset([int(pid)]), hits_worker=not note.name.startswith("I")
        )


def is_true_or_unknown(question: Callable[[], bool]) -> bool:
    """True while the database is away: nobody can say."""
    try:
        return question()
    except Error:
        database.close()
        return True


def prepare_tenants(sink: Sink) -> tuple[str, list[str], bool]:
    """Tenants with one connection each; a route, and an ordered one where there are any. The text
    of a platform key.
    """
    seed.empty()
    sink.clear()
    rows = seed.connections(TENANTS, f"{sink.url}/slow-{ANSWER}/{{}}", tenants=TENANTS)
    # a queue in order, of which a kill stops all, needs every moment between two kills
    for row in rows[ORDERED:]:
        row.settings["calls_a_second"] = PACE
    Connection.unscoped.bulk_update(rows, ["settings"])
    ordered = any(field.name == "ordered" for field in Route._meta.get_fields())
    seed.route(event_type="order.created")
    route = seed.route(event_type="order.moved")
    if ordered:
        Route.unscoped.filter(pk=route.pk).update(ordered=True)
    key = ApiKey.issue(name="bench", scopes=["events:write"], random=os.urandom)[1]
    return key, list(Tenant.objects.order_by("pk").values_list("reference", flat=True)), ordered
