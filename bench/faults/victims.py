"""The hub as it runs, web and worker, and the ways to kill parts of it; what stays dead is started again."""

import os
import signal
import sys
import time

from django.db import connection as database

from bench import web
from bench.ground import OWN_SERVER
from bench.processes import MANAGE, family, signal_group, spawn, stop


class Hub:
    def __init__(self):
        self.port = web.free_port()
        self.place = f"127.0.0.1:{self.port}"
        self.kills = []  # (victim, moment)

    def __enter__(self):
        self.web, self.worker = self.start_web(), self.start_worker()
        web.wait_until_it_answers(self.port)
        return self

    def __exit__(self, *error):
        stop([self.worker, self.web])

    def start_web(self):
        return spawn(web.command(), web.environment_of(self.port), stdout=sys.stderr)

    def start_worker(self):
        return spawn([*MANAGE, "work"], stdout=sys.stderr)

    def victims(self):
        yield from ("process", "worker", "process", "pool", "process", "web", "process", "sentinel")
        if OWN_SERVER in os.environ:
            yield "database"

    def kill(self, victim):
        self.kills.append((victim, time.monotonic()))
        getattr(self, f"kill_{victim}")()

    def kill_web(self):
        signal_group(self.web, signal.SIGKILL)
        self.web.wait()
        self.web = self.start_web()

    def kill_worker(self):
        """The supervisor alone: its pool must notice and leave."""
        self.worker.kill()
        self.worker.wait()
        self.worker = self.start_worker()

    def kill_pool(self):
        self.kill_member(1)

    def kill_sentinel(self):
        self.kill_member(2)

    def kill_process(self):
        """Another process of the pool each time, one that pumps among them."""
        members = list(family(self.worker.pid))
        self.kill_member(len(members) - 1 - len(self.kills) % max(1, len(members) - 3))

    def kill_member(self, place):
        members = list(family(self.worker.pid))
        if place < len(members):
            os.kill(members[place], signal.SIGKILL)

    def kill_database(self):
        """One backend dies, and PostgreSQL ends all sessions and recovers from its log."""
        with database.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            (pid,) = cursor.fetchone()
        os.kill(pid, signal.SIGKILL)
        database.close()
