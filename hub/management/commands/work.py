"""Run the worker: fork a pool, watch its heartbeat, replace it, and sweep."""

import contextlib
import os
import platform
import signal
import time
import uuid
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import Error, close_old_connections, connections, transaction

from hub.crypto.sealed import check_keys
from hub.db.clock import clock
from hub.management.pool_process import PoolProcess
from hub.metrics import counters
from hub.outgoing.sweep_steps import wake_up_for_due_work
from hub.processes import memory, pool_pipe
from hub.processes.leases import end_leases, worker_prefix
from hub.processes.local_processes import current_pid_namespace
from hub.processes.worker_registry import WORKER_LOST_AFTER, Replacement, Worker
from hub.queue import migrate_queued_tasks, record_heartbeat, reset_wake_ups
from hub.sweep import SWEEP_EVERY_SECONDS, run_sweep

log = structlog.get_logger(__name__)

POLL_INTERVAL, HEARTBEAT_INTERVAL = 0.2, 3.0  # seconds
# Seconds between checks for due work: if a whole machine is lost, its pumps check no more.
DUE_WORK_INTERVAL = 1.0
# Seconds of a turn of the loop; beyond it the pool may have been delayed, too: it gets more time.
LATE_LOOP_SECONDS = 3.0
# Seconds before a restart after a pool without any heartbeat, so that restarts do not use a core.
RESTART_DELAY = 2.0


class Command(BaseCommand):
    help = "Run the worker: a supervised pool and the sweep."
    requires_system_checks: list[str] = []  # the release and the web process run them

    def handle(self, *args: Any, **options: Any) -> None:
        check_keys()
        warm_up()
        memory.freeze_heap()
        Supervisor().run()


def warm_up() -> None:
    """Sweep once before the first fork.

    CPython specializes code within the code itself: each member that does so for itself copies
    6 MB of memory that all could share.
    """
    with contextlib.suppress(Error):
        run_sweep(now=clock())
    connections.close_all()


class Supervisor:
    def __init__(self) -> None:
        self.id = uuid.uuid4()
        self.stop_requests = 0  # the number of stop signals received
        self.swept_at = self.heartbeat_at = self.woken_at = float("-inf")

    def run(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self.request_stop)
        pool = self.start_pool()
        log.info("worker.started", pool=pool.pid)
        while not self.stop_requests:
            started_at = time.monotonic()
            pool.read_heartbeats()
            if problem := pool.find_problem():
                pool = self.replace_pool(pool, problem)
            self.run_periodic_work(pool)
            if time.monotonic() - started_at > LATE_LOOP_SECONDS:
                pool.restart_heartbeat_timeout()
            time.sleep(POLL_INTERVAL)
        self.stop_pool(pool)

    def request_stop(self, number: int, frame: object) -> None:
        self.stop_requests += 1

    def start_pool(self) -> PoolProcess:
        """Start a pool and reset all pending wake-ups, as the new pool has received none."""
        with contextlib.suppress(Error):
            Worker.objects.filter(id=self.id).update(pool=None)
            reset_wake_ups()
            migrate_queued_tasks()
        self.swept_at = self.heartbeat_at = self.woken_at = float("-inf")
        return PoolProcess(self.id)

    def replace_pool(self, pool: PoolProcess, problem: str) -> PoolProcess:
        pool.kill()
        log.error("worker.pool_replaced", why=problem, code=pool.returncode)
        with contextlib.suppress(Error), transaction.atomic():
            counters.add_counts({("pool_replacements", problem): 1})
            Replacement.objects.create(
                at=clock(), host=platform.node(), pool=pool.pid, why=problem, code=pool.returncode
            )
        with contextlib.suppress(Error):  # otherwise the leases expire
            end_leases(worker_prefix(self.id), now=clock())
        if pool.heard_at is None:
            time.sleep(RESTART_DELAY)
        return self.start_pool()

    def run_periodic_work(self, pool: PoolProcess) -> None:
        """Record the heartbeat, wake tasks for due work, and sweep, each at its interval.

        If the database is not available, all of this waits for the next turn of the loop.
        """
        try:
            if time.monotonic() - self.heartbeat_at > HEARTBEAT_INTERVAL:
                self.heartbeat_at = time.monotonic()
                self.record_worker(pool)
            if time.monotonic() - self.woken_at > DUE_WORK_INTERVAL:
                self.woken_at = time.monotonic()
                self.free_leases_of_dead_workers()
                wake_up_for_due_work(now=clock())
            if time.monotonic() - self.swept_at > SWEEP_EVERY_SECONDS:
                self.swept_at = time.monotonic()
                run_sweep(now=clock())
        except Error as error:
            log.warning("worker.database_away", error=type(error).__name__)
        except Exception:  # one faulty row must not stop the pool
            log.exception("worker.sweep_failed")
        finally:
            close_old_connections()

    def record_worker(self, pool: PoolProcess) -> None:
        now = clock()
        values = {
            "seen_at": now,
            "pool": pool.pid,
            "pumps": settings.HUB_PUMPS,
            "pool_since": now - measure_elapsed(pool.started_at),
            "heard_at": None if pool.heard_at is None else now - measure_elapsed(pool.heard_at),
        }
        created_values = {
            "host": platform.node(),
            "pid": os.getpid(),
            "pid_namespace": current_pid_namespace(),
            "started_at": now,
        }
        Worker.objects.update_or_create(
            id=self.id, defaults=values, create_defaults=values | created_values
        )
        record_heartbeat("worker", now=now)

    def free_leases_of_dead_workers(self) -> None:
        """Free the leases of workers of this machine that were killed with their pools.

        Their deliveries are sent again at once. Leases of other machines expire by themselves.
        """
        recent = Worker.objects.filter(seen_at__gt=clock() - WORKER_LOST_AFTER)
        for worker in recent.exclude(id=self.id):
            if worker.has_surely_ended():
                end_leases(worker_prefix(worker.id), now=clock())

    def stop_pool(self, pool: PoolProcess) -> None:
        """Stop the pool; kill it after STOP_GRACE seconds, or on a second stop signal."""
        pool.pipe.request_stop()
        deadline = time.monotonic() + pool_pipe.STOP_GRACE
        while not pool.has_ended() and self.stop_requests < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        if not pool.has_ended():
            log.warning("worker.pool_killed")
        pool.kill()
        with contextlib.suppress(Error):
            Worker.objects.filter(id=self.id).delete()
        log.info("worker.stopped")


def measure_elapsed(moment: float) -> timedelta:
    """Return the time since this moment of the monotonic clock."""
    return timedelta(seconds=time.monotonic() - moment)
