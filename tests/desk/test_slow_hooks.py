"""Thousands of connections that trickle their bodies to /hooks/ leave everything else working."""

import contextlib
import http.client
import itertools
import resource
import socket
import threading
import time
from urllib.parse import urlsplit

import pytest

from bench.baselines.load_generator import build_request
from bench.baselines.reference_edge import SECRET
from bench.installation import environments, web
from bench.installation.processes import running, wait_until
from tests.desk.worker_processes import WorkerProcesses

SEED = """
import django; django.setup()
from bench import slack
print(slack.create_app("").path)
"""
SLOW, BODY_LENGTH, ROUNDS = 2000, 4000, 5
PORTAL_PATH = "/accounts/login/"

pytestmark = [pytest.mark.desk, pytest.mark.timeout(240)]


@pytest.fixture
def hooks():
    """The port of a web server, and the path at which it receives Slack's webhooks."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit[1], limit[1]))
    port = web.free_port()
    with environments.sqlite_environment() as environment:
        path = WorkerProcesses(environment).run(SEED).split()[-1]
        of_server = {name: web.environment_of(port)[name] for name in ("HUB_PORT", "PATH")}
        with running(web.command(), environment=environment | of_server):
            wait_until(lambda: web.answers(port), within=60, what="the web server")
            yield port, path
    resource.setrlimit(resource.RLIMIT_NOFILE, limit)


@contextlib.contextmanager
def slow_connections(port, path):
    """Open them, and let each send a byte in each round until the block ends.

    Yields the lines, and a semaphore that is released after each round.
    """
    head = f"POST {path} HTTP/1.1\r\nHost: hub.test\r\nContent-Length: {BODY_LENGTH}\r\n\r\n"
    over, rounds = threading.Event(), threading.Semaphore(0)

    def trickle(lines):
        while not over.wait(1.0):
            for line in lines:
                with contextlib.suppress(OSError):  # the server closed it
                    line.sendall(b"{")
            rounds.release()

    with contextlib.ExitStack() as stack:
        lines = [
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20))
            for _ in range(SLOW)
        ]
        for line in lines:
            line.sendall(head.encode())
        thread = threading.Thread(target=trickle, args=(lines,))
        thread.start()
        try:
            yield lines, rounds
        finally:
            over.set()
            thread.join()


def request(port, path):
    """Return the status of an answer, and the seconds that it took."""
    started_at = time.monotonic()
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as line:
        line.request("GET", path)
        return line.getresponse().status, time.monotonic() - started_at


def deliver(port, path, event_id):
    """Deliver a signed mention; return the status, and the seconds that it took."""
    body = build_request(
        urlsplit(f"http://127.0.0.1:{port}{path}"), event_id, team="T0000", secret=SECRET
    )
    started_at = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
        line.sendall(body)
        return int(line.recv(4096).split()[1]), time.monotonic() - started_at


def test_two_thousand_slow_webhooks_leave_the_others_working(hooks):
    port, path = hooks
    numbers = itertools.count()
    assert deliver(port, path, f"Ev{next(numbers)}")[0] == 200
    with slow_connections(port, path) as (lines, rounds):
        assert len(lines) == SLOW
        for _ in range(ROUNDS):
            answers = [
                request(port, "/readyz"),
                request(port, PORTAL_PATH),
                deliver(port, path, f"Ev{next(numbers)}"),
            ]
            assert [status for status, _seconds in answers] == [200, 200, 200]
            assert max(seconds for _status, seconds in answers) < 3.0  # Slack's deadline
            assert rounds.acquire(timeout=20)  # every connection has sent one more byte
