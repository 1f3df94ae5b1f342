"""A hub in this process beside the sandbox, with one clock for both, which the test turns.

It stays in the past, as the ids of rows are made by the real time.
"""

import time
from datetime import timedelta

from hub import egress
from hub.db.clock import clock
from hub.egress.async_client import open_async_client
from hub.incoming.models import InboundGap
from hub.incoming.registration.installation.outages import WEB, note_web_heartbeat
from hub.incoming.tasks import check_registrations, listen_to_sources
from hub.processes.db_thread import run_with_loop
from hub.processes.leases import new_lease
from hub.processes.loop_slots import acquire_slot, release_slot
from hub.queue import WakeUp, record_heartbeat
from hub.scheduled.models import Run
from hub.scheduled.runs.run_loop import LoopDependencies, RunLoop
from hub.sweep import run_sweep
from tests.hub.incoming.webhook_posts import run_inbox
from tests.sandbox.running_sandbox import RunningSandbox

BEGAN_AGO = timedelta(days=3)
TASKS = {"register": check_registrations, "listen": listen_to_sources}


class ClockedSandbox(RunningSandbox):
    """A sandbox that has the hub's clock."""

    @property
    def now(self):
        return clock().timestamp()

    @now.setter
    def now(self, value):
        """The clock is the hub's, from the start."""


class TurnedHub:
    def __init__(self, desk, web):
        self.desk, self.web = desk, web

    def begin(self):
        self.set_clock(clock() - BEGAN_AGO)
        self.web.start()
        record_heartbeat(WEB, now=clock())

    def set_clock(self, at):
        clock.last_reading = at, time.monotonic()

    def turn(self, **length):
        """Let time pass, in which a web process that is up is alive."""
        with self.web.lock:
            self.set_clock(clock() + timedelta(**length))
            if self.web.is_up:
                record_heartbeat(WEB, now=clock())

    def work(self, rounds=2):
        """Do what web and worker do: sweep, tasks, runs, inbox."""
        for _ in range(rounds):
            with self.web.lock:
                self.do_all_work()

    def do_all_work(self):
        steps = (note_web_heartbeat,) if self.web.is_up else ()
        run_sweep(also=steps, now=clock())
        names = WakeUp.objects.exclude(requested_at=None).values_list("name", flat=True)
        for name in list(names):
            if task := TASKS.get(name.partition(":")[0]):
                task(name)
        if Run.unscoped.filter(state__in=("waiting", "running")).exists():
            execute_runs()
        run_inbox(now=clock())

    def read_gaps(self):
        """Let all gaps be read that are due, until what changed has settled."""
        for _ in range(4):
            self.turn(minutes=1)
            self.work()
        return list(InboundGap.unscoped.order_by("pk"))


def execute_runs():
    """Execute open runs until none is left, by the product's own loop."""
    lease = new_lease()
    acquire_slot("run", lease, now=clock())
    dependencies = LoopDependencies(
        lease=lease,
        clock=clock,
        random=lambda: 0.5,
        open_client=lambda: open_async_client(egress.load_rules(), clock=clock),
        stopping=lambda: False,
        request_another=lambda: None,
        idle_seconds=0.0,
        run_seconds=20.0,
    )
    try:
        run_with_loop(RunLoop(dependencies).run_to_end)
    finally:
        release_slot(lease)
