"""The worker: forks a pool, watches it over the lifeline, replaces it, and sweeps."""

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
from django.db import Error, close_old_connections, transaction

from hub import garbage, lifeline, tally
from hub.clock import clock
from hub.management.pool_process import PoolProcess
from hub.outgoing.pump.leases import free_leases, worker_prefix
from hub.queue import beat, forget
from hub.secrets import check_keys
from hub.standing import Replacement, Worker
from hub.sweep import SWEEP_EVERY, ring_for_due_work, sweep

log = structlog.get_logger(__name__)

LOOK_EVERY, SEEN_EVERY = 0.2, 3.0  # seconds
RING_EVERY = 1.0  # seconds between looks for due work: where a whole machine was lost, no pump of it looks any more
LATE = 3.0  # a turn of ours that took longer: what delayed us may have delayed the pool
BREATH = 2.0  # seconds before another pool is started after one that never gave a sign, so that no core is burnt


class Command(BaseCommand):
    help = "Run the worker: a pool, watched and replaced, and the sweep."
    requires_system_checks: list[str] = []  # they load every page, which a worker has no use for

    def handle(self, *args: Any, **options: Any) -> None:
        check_keys()
        garbage.keep_what_is_there()
        Supervisor().run()


class Supervisor:
    def __init__(self) -> None:
        self.id = uuid.uuid4()
        self.asked = 0  # how often somebody told us to stop
        self.swept = self.seen = self.rang = float("-inf")

    def run(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self.hear)
        pool = self.start()
        log.info("worker.started", pool=pool.pid)
        while not self.asked:
            began = time.monotonic()
            pool.listen()
            if why := pool.trouble():
                pool = self.replace(pool, why)
            self.duties(pool)
            if time.monotonic() - began > LATE:
                pool.excuse()
            time.sleep(LOOK_EVERY)
        self.stop(pool)

    def hear(self, number: int, frame: object) -> None:
        self.asked += 1

    def start(self) -> PoolProcess:
        """No bell was rung for this pool yet: each may be rung again at once."""
        with contextlib.suppress(Error):
            forget()
        self.swept = self.seen = self.rang = float("-inf")
        return PoolProcess(self.id)

    def replace(self, pool: PoolProcess, why: str) -> PoolProcess:
        pool.kill()
        log.error("worker.pool_replaced", why=why, code=pool.returncode)
        with contextlib.suppress(Error), transaction.atomic():
            tally.add({("pool_replacements", why): 1})
            Replacement.objects.create(at=clock(), host=platform.node(), pool=pool.pid, why=why, code=pool.returncode)
        with contextlib.suppress(Error):  # else they end by themselves
            free_leases(worker_prefix(self.id), now=clock())
        if pool.heard_at is None:
            time.sleep(BREATH)
        return self.start()

    def duties(self, pool: PoolProcess) -> None:
        """Sweep, and say that we are here; without a database they wait for the next turn."""
        try:
            if time.monotonic() - self.seen > SEEN_EVERY:
                self.seen = time.monotonic()
                self.be_seen(pool)
            if time.monotonic() - self.rang > RING_EVERY:
                self.rang = time.monotonic()
                ring_for_due_work(now=clock())
            if time.monotonic() - self.swept > SWEEP_EVERY:
                self.swept = time.monotonic()
                sweep(now=clock())
        except Error as error:
            log.warning("worker.database_away", error=type(error).__name__)
        except Exception:  # one row that is wrong must not end the pool
            log.exception("worker.sweep_failed")
        finally:
            close_old_connections()

    def be_seen(self, pool: PoolProcess) -> None:
        now = clock()
        said = {
            "seen_at": now,
            "pool": pool.pid,
            "pumps": settings.HUB_PUMPS,
            "pool_since": now - since(pool.began),
            "heard_at": None if pool.heard_at is None else now - since(pool.heard_at),
        }
        first = {"host": platform.node(), "pid": os.getpid(), "started_at": now}
        Worker.objects.update_or_create(id=self.id, defaults=said, create_defaults=said | first)
        beat("worker", now=now)

    def stop(self, pool: PoolProcess) -> None:
        """In peace within lifeline.GRACE; whoever asks a second time is in a hurry."""
        pool.lifeline.let_go()
        deadline = time.monotonic() + lifeline.GRACE
        while not pool.has_ended() and self.asked < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        if not pool.has_ended():
            log.warning("worker.pool_killed")
        pool.kill()
        with contextlib.suppress(Error):
            Worker.objects.filter(id=self.id).delete()
        log.info("worker.stopped")


def since(moment: float) -> timedelta:
    """From the monotonic clock to a span."""
    return timedelta(seconds=time.monotonic() - moment)
