"""The worker: starts django-q2's pool as a child, watches it with a canary, replaces it, and sweeps."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, close_old_connections

from hub import lifeline
from hub.clock import clock
from hub.queue import HEARD, Beat, beat, forget, ring
from hub.secrets import check_keys
from hub.sweep import sweep

log = structlog.get_logger(__name__)

SWEEP_EVERY, CANARY_EVERY = 5.0, 5.0  # seconds
SILENCE_MOST = timedelta(seconds=30)  # no bell was heard for so long: the pool is hung
BREATH = 2.0  # seconds before another pool is started, so that one that cannot start does not burn a core
GRACE = 25.0  # seconds that a stop may take


class Command(BaseCommand):
    help = "Run the worker: the pool of django-q2, watched and replaced, and the sweep."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--pool", action="store_true", help="Be the pool itself; `work` starts this.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["pool"]:
            be_the_pool()
        else:
            check_keys()
            Supervisor().run()


def be_the_pool() -> None:
    """django-q2's cluster, in a session of its own, which ends when the worker's end of the lifeline closes."""
    threading.Thread(target=end_with_the_worker, daemon=True).start()
    call_command("qcluster")


def end_with_the_worker() -> None:
    lifeline.wait()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE)
    os.killpg(os.getpgid(0), signal.SIGKILL)


class Pool:
    """One pool: its process group, and our end of its lifeline."""

    def __init__(self) -> None:
        theirs, ours = os.pipe()
        self.lifeline: int | None = ours
        self.process = subprocess.Popen(
            [sys.executable, sys.argv[0], "work", "--pool"],
            start_new_session=True,
            pass_fds=[theirs],
            stdin=subprocess.DEVNULL,
            env={**os.environ, lifeline.NAME: str(theirs)},
        )
        os.close(theirs)
        self.since: datetime | None = None  # when it last gave a sign of life, or we last could not look

    def ended(self) -> bool:
        return self.process.poll() is not None

    def ask_to_stop(self) -> None:
        if self.lifeline is not None:
            os.close(self.lifeline)
            self.lifeline = None

    def kill(self) -> None:
        """The whole group: a pool whose parent died leaves orphans that go on working."""
        self.ask_to_stop()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Supervisor:
    def __init__(self) -> None:
        self.stopping = threading.Event()
        self.swept = self.rang = float("-inf")

    def run(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: self.stopping.set())
        pool = Pool()
        log.info("worker.started", pool=pool.process.pid)
        while not self.stopping.wait(0.5):
            if pool.ended() or self.hung(pool):
                log.error("worker.pool_replaced", code=pool.process.returncode)
                pool.kill()
                self.stopping.wait(BREATH)
                pool = self.replacement()
            self.duties()
        self.stop(pool)

    def replacement(self) -> Pool:
        with contextlib.suppress(DatabaseError):
            forget()
        return Pool()

    def hung(self, pool: Pool) -> bool:
        """Whether the canary is silent for too long; while the database is away nobody can say."""
        try:
            now = clock()
            heard = Beat.objects.filter(name=HEARD).values_list("at", flat=True).first()
        except DatabaseError:
            pool.since = None
            return False
        pool.since = max(pool.since or now, heard or pool.since or now)
        return now - pool.since > SILENCE_MOST

    def duties(self) -> None:
        """Sweep and canary; without a database they wait for the next turn."""
        try:
            if time.monotonic() - self.swept > SWEEP_EVERY:
                self.swept = time.monotonic()
                sweep(now=clock())
            if time.monotonic() - self.rang > CANARY_EVERY:
                self.rang = time.monotonic()
                ring("canary", now=clock())
                beat("worker", now=clock())
        except DatabaseError as error:
            log.warning("worker.database_away", error=type(error).__name__)
        finally:
            close_old_connections()

    def stop(self, pool: Pool) -> None:
        pool.ask_to_stop()
        try:
            pool.process.wait(GRACE)
        except subprocess.TimeoutExpired:
            log.warning("worker.pool_killed")
        pool.kill()
        log.info("worker.stopped")
