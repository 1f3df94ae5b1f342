"""Workers as real processes, on a database and with a sink of their own."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time

import psycopg

from bench.installation import process_groups
from bench.installation.migrated import is_sqlite, sqlite_file
from bench.installation.processes import MANAGE, ROOT, spawn, wait_until
from bench.sink.client import Sink

SEED = """
import django; django.setup()
from bench import seed
rows = [row for url in {urls!r} for row in seed.connections({lanes}, url, tenants={lanes})]
seed.orders(rows, {count}, seed.route())
"""
COUNT = "SELECT state, count(*) FROM outgoing_delivery GROUP BY state"
OPEN_TRANSACTIONS = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in tr%'"
HEARD = "SELECT count(*) FROM hub_worker WHERE heard_at IS NOT NULL"


class WorkerProcesses:
    def __init__(self, environment):
        self.environment = environment
        self.sink = Sink(environment["HUB_BENCH_SINK"])
        self.port = int(self.sink.place.rpartition(":")[2])
        self.workers = []

    def run(self, code):
        command = [sys.executable, "-c", code]
        return subprocess.run(
            command, env=self.environment, cwd=ROOT, check=True, capture_output=True, text=True
        ).stdout

    def ask(self, question):
        """Return the rows of a statement; no process has to start for it."""
        url = self.environment["DATABASE_URL"]
        opened = sqlite3.connect(sqlite_file(url)) if is_sqlite(url) else psycopg.connect(url)
        with contextlib.closing(opened) as database:
            return database.execute(question).fetchall()

    def seed(self, *paths, count, lanes=4):
        """So many deliveries, dealt out to the lanes of all paths, which become due together."""
        urls = [f"{self.sink.url}/{path}/{{}}" for path in paths]
        self.run(SEED.format(lanes=lanes, urls=urls, count=count))

    def states(self):
        """The number of deliveries in each state."""
        return dict(self.ask(COUNT))

    def work(self):
        """One more `manage.py work`."""
        self.workers.append(spawn([*MANAGE, "work"], self.environment, stdin=subprocess.DEVNULL))
        return self.workers[-1]

    def attempts(self):
        return self.ask("SELECT count(*) FROM outgoing_attempt")[0][0]

    def freeze(self, pids):
        """Stop processes between two of their transactions: what is stopped within one holds its
        locks.
        """
        wait_until(lambda: self.stop_outside_transactions(pids), within=20, what="a moment without")

    def stop_outside_transactions(self, pids):
        process_groups.stop(*pids)
        url = self.environment["DATABASE_URL"]
        if not is_sqlite(url):
            if self.ask(OPEN_TRANSACTIONS) == [(0,)]:
                return True
            wake(pids)
            return False
        beside = sqlite3.connect(sqlite_file(url), timeout=0.2)
        with contextlib.suppress(sqlite3.OperationalError), contextlib.closing(beside):
            beside.execute("BEGIN IMMEDIATE")
            return True
        wake(pids)
        return False

    def all_are_heard(self):
        wait_until(lambda: self.ask(HEARD) == [(len(self.workers),)], within=60, what="all pools")

    def end(self):
        groups = [process_groups.pool_of(worker.pid) for worker in self.workers]
        for group in filter(None, [*groups, *(worker.pid for worker in self.workers)]):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
        for worker in self.workers:
            worker.wait()


def wake(pids):
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def seconds_to_stop(worker, *signals):
    """Each signal a second after the one before."""
    started_at = time.monotonic()
    for number in signals:
        worker.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            worker.wait(1)
    worker.wait(60)
    return time.monotonic() - started_at
