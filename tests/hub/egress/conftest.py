"""Nothing here leaves the machine: every attempt to connect is seen, and those to other machines
are refused.
"""

import errno
import socket
import sys
from contextlib import suppress
from datetime import UTC, datetime
from ipaddress import ip_address

import pytest
import uvloop

from hub.egress import EgressRules, send_guarded
from hub.egress.async_client import open_async_client
from tests.hub.egress.hostile import Hostile

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
watched: list[list[tuple[str, int]]] = []


def watch(event, arguments):
    if event == "socket.connect" and watched and isinstance(arguments[1], tuple):
        watched[-1].append(arguments[1][:2])
        if not ip_address(arguments[1][0]).is_loopback:
            raise OSError(errno.ENETUNREACH, "tests stay on this machine")


sys.addaudithook(watch)  # for good: there is no way to take one off


@pytest.fixture(autouse=True)
def attempts():
    """The peers of every connection that was tried in this test."""
    watched.append([])
    yield watched[-1]
    watched.pop()


class Canary:
    """Listens on both loopback addresses and never accepts."""

    def __init__(self):
        self.four = socket.create_server(("127.0.0.1", 0))
        self.port = self.four.getsockname()[1]
        self.six = socket.create_server(("::1", self.port), family=socket.AF_INET6)

    def count_connections(self):
        count = 0
        for listener in (self.four, self.six):
            listener.setblocking(False)
            with suppress(BlockingIOError):
                while True:
                    listener.accept()[0].close()
                    count += 1
        return count

    def close(self):
        self.four.close()
        self.six.close()


@pytest.fixture
def canary():
    canary = Canary()
    yield canary
    canary.close()


@pytest.fixture(scope="session")
def server():
    with Hostile() as server:
        yield server


@pytest.fixture
def hostile(server):
    server.heard.clear()
    server.met = 0
    return server


@pytest.fixture
def sandbox(hostile):
    """The rules of a desk whose sandbox is the hostile server."""
    return EgressRules(allow=frozenset({hostile.place}))


def by_outlet(request, rules, **options):
    async def main():
        async with open_async_client(rules, clock=lambda: NOON, **options) as send:
            return await send(request)

    return uvloop.run(main())


def by_call(request, rules, **options):
    return send_guarded(request, rules=rules, clock=lambda: NOON, **options)


@pytest.fixture(params=[by_outlet, by_call], ids=["outlet", "call"])
def send(request):
    """Both ways out."""
    return request.param
