"""A desk of its own for a test: a copy of the tree, free ports, real processes."""

import contextlib
import http.client
import json
import os
import select
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from bench.installation import keys
from bench.installation.environments import build_environment
from bench.installation.migrated import migrate_fresh
from bench.installation.processes import proportional_kilobytes

ROOT = Path(__file__).resolve().parents[2]
LEFT_BEHIND = shutil.ignore_patterns(".*cache*", ".git", ".venv", "var")
READY = "Ctrl-C stops everything"


class Installation:
    def __init__(self, folder):
        self.folder = folder / "hub"
        shutil.copytree(ROOT, self.folder, ignore=LEFT_BEHIND)
        self.port, self.sandbox_port, self.mail_port = free_ports(3)
        self.process = None

    def migrate(self):
        """Make the database and the file of the keys, as a first start would."""
        var = self.folder / "var"
        var.mkdir(mode=0o700)
        database = f"sqlite:///{var / 'hub.sqlite3'}"
        environment = build_environment(database, sink="", pumps=1)
        (var / "hub.env").write_text(
            "".join(f"{name}={environment[name]}\n" for name in keys.fresh())
        )
        migrate_fresh(database, environment)
        (var / "hub.sqlite3").chmod(0o600)

    def start(self, **more):
        """As `script/server &` in a shell: with SIGINT ignored."""
        ours = {
            "HUB_PORT": str(self.port),
            "HUB_SANDBOX_PORT": str(self.sandbox_port),
            "HUB_DEMO": "0",
        }
        ours |= {"HUB_SANDBOX_SMTP_PORT": str(self.mail_port)}
        self.process = subprocess.Popen(
            [sys.executable, self.folder / "script" / "server"],
            env=shell() | ours | {"HUB_VENV": sys.prefix} | more,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
        )
        return self

    def says(self, words):
        """Read on until it says so."""
        said = ""
        for line in self.process.stdout:
            said += line
            if words in line:
                return said
        raise AssertionError(f"It never said {words!r}:\n{said}")

    def stop(self, number=signal.SIGINT):
        """Stop it, and return what it printed since it was read last; a process that had to be
        killed is named there.
        """
        self.process.send_signal(number)
        said, _ = self.process.communicate(timeout=60)
        assert "was killed" not in said, said
        return said

    def manage(self, *said):
        """As its staff does in a shell."""
        command = [sys.executable, "manage.py", *said]
        return subprocess.run(
            command, cwd=self.folder, env=shell(), check=True, capture_output=True, text=True
        ).stdout

    def pids(self, words=""):
        """Its processes, known by where they work, whoever their parent is by now."""
        return [
            pid
            for pid in map(int, filter(str.isdigit, os.listdir("/proc")))
            if self.owns(pid, words)
        ]

    def owns(self, pid, words):
        with contextlib.suppress(OSError):
            command = (
                Path(f"/proc/{pid}/cmdline")
                .read_bytes()
                .replace(b"\0", b" ")
                .decode(errors="replace")
            )
            return words in command and Path(f"/proc/{pid}/cwd").readlink() == self.folder
        return False

    def has(self, words, *, within=20):
        """Its processes of that name, as soon as there are any."""
        deadline = time.monotonic() + within
        while not (found := self.pids(words)) and time.monotonic() < deadline:
            select.select([], [], [], 0.05)
        return found

    def pool(self):
        """The first process of the worker's pool and its members, as soon as there are any."""
        deadline = time.monotonic() + 20
        while not (found := self.children_of_workers()) and time.monotonic() < deadline:
            select.select([], [], [], 0.05)
        return found

    def children_of_workers(self):
        workers = self.pids("manage.py work")
        return [pid for pid in workers if parent_of(pid) in workers]

    def megabytes(self):
        """What its processes have in memory, each page shared out among those that map it."""
        return sum(map(proportional_kilobytes, self.pids())) / 1024

    def freeze(self, pids):
        """Stop them between two of their transactions: one that was frozen within would hold
        SQLite's lock for ever.
        """
        for _ in range(50):
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
            beside = sqlite3.connect(self.folder / "var" / "hub.sqlite3", timeout=0.2)
            with contextlib.suppress(sqlite3.OperationalError), contextlib.closing(beside):
                beside.execute("BEGIN IMMEDIATE")
                return
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
            select.select([], [], [], 0.05)
        raise AssertionError("they are never between two transactions")

    def publish(self, numbers):
        """As the first customer's shop does, an event for each order."""
        told = json.loads((self.folder / "var" / "demo.json").read_text())
        headers = {
            "Authorization": f"Bearer {told['tenants'][0]['key']}",
            "Content-Type": "application/json",
        }
        shop = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        for number in numbers:
            shop.request("POST", "/api/v1/events", json.dumps(order(number)), headers)
            response = shop.getresponse()
            assert response.status in (201, 202), response.read()
            response.read()
        shop.close()

    def arrive(self, numbers, *, within):
        """Whether the sandbox's webhook endpoint has heard of all these orders in time."""
        deadline = time.monotonic() + within
        while missing := set(numbers) - set(self.heard()):
            if time.monotonic() > deadline:
                return not missing
            select.select([], [], [], 0.5)
        return True

    def heard(self):
        with contextlib.closing(
            http.client.HTTPConnection("127.0.0.1", self.sandbox_port, timeout=20)
        ) as control:
            control.request("GET", "/_control/ledger?since=0")
            lines = map(json.loads, control.getresponse().read().splitlines())
            yield from (
                json.loads(line["body"])["data"]["number"]
                for line in lines
                if line["system"] == "webhook"
            )

    def end(self):
        """After a test, whatever happened in it."""
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self.process:
            self.process.wait()
            self.process.stdout.close()


def parent_of(pid):
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return None


def order(number):
    data = {
        "number": number,
        "customer": "Ada",
        "email": "ada@example.org",
        "total": "12.50",
        "currency": "EUR",
    }
    more = {
        "placed_at": "2026-11-25T12:00:00Z",
        "items": [{"name": "Tea", "quantity": 1, "price": "12.50"}],
    }
    return {"id": f"order-{number}", "type": "order.created", "data": data | more}


def shell():
    """The environment of a person, without what the tests put there."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("HUB_", "DATABASE_URL"))
    }


def free_ports(count):
    """All different: each is still held while the next is found."""
    with contextlib.ExitStack() as exit_stack:
        probes = [
            exit_stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)
        ]
        return [probe.getsockname()[1] for probe in probes]


def is_free(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def all_end(pids, *, within):
    """Whether these processes, which need not be our children, end in time."""
    deadline = time.monotonic() + within
    return all(ends(pid, max(0, deadline - time.monotonic())) for pid in pids)


def ends(pid, seconds):
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], seconds)[0])
    finally:
        os.close(handle)
