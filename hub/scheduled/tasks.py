"""Tasks that django-q2 calls by dotted name. A lost or repeated wake-up changes latency only."""

import random
import time
from datetime import timedelta

from hub import egress
from hub.connections.credentials.provider_call import Patience, call_with_heartbeat
from hub.db.clock import clock
from hub.egress.async_client import open_async_client
from hub.processes import memory
from hub.processes.db_thread import run_with_loop
from hub.processes.leases import new_lease
from hub.processes.loop_slots import acquire_slot, release_slot
from hub.processes.pool_pipe import is_stop_requested
from hub.queue import acknowledge_wake_up, wake_up
from hub.scheduled.repairs.repair_checks import RepairCheckContext, check_repairs
from hub.scheduled.runs.claim import is_run_due
from hub.scheduled.runs.loop_count import count_loops, is_slot_wanted
from hub.scheduled.runs.run_loop import LoopDependencies, RunLoop
from hub.throttle import in_flight_leases

PATIENCE = timedelta(seconds=5)  # with a spent quota, before a record is read again


def process_runs(name: str) -> None:
    """Run a loop that executes runs, for less than a minute."""
    acknowledge_wake_up(name)
    lease = new_lease()
    if not acquire_slot("run", lease, per_worker=count_loops(), now=clock()):
        return
    dependencies = LoopDependencies(
        lease=lease,
        clock=clock,
        random=random.random,
        open_client=lambda: open_async_client(egress.load_rules(), clock=clock),
        stopping=is_stop_requested,
        request_another=lambda: wake_up("run", now=clock()),
        is_slot_wanted=is_slot_wanted,
    )
    try:
        run_with_loop(RunLoop(dependencies).run_to_end)
    finally:
        release_slot(lease)
        in_flight_leases.end_in_flight_leases(lease)
        memory.trim_memory()
    if not is_stop_requested() and is_run_due(now=clock()):
        wake_up("run", now=clock())


def check_due_repairs(name: str) -> None:
    """Read records again, before and after repairs; the sweep sends the wake-up again."""
    acknowledge_wake_up(name)
    if not is_stop_requested():
        check_repairs(
            RepairCheckContext(
                call_with_heartbeat, clock, random.random, Patience(PATIENCE, time.sleep)
            )
        )
