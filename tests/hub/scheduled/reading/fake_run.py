"""A run whose systems answer what the test says: the network alone is replaced."""

import asyncio
from collections import deque
from datetime import timedelta
from types import SimpleNamespace

from connectors.http import Response, dump_json
from connectors.registry import CONNECTORS
from hub.connections.models import Connection
from hub.scheduled.reading import read_pages
from tests.connectors.recorded import NOON, SECRETS


class FakeRun:
    """A RunContext with a clock that the test moves, and answers in the order of the calls."""

    def __init__(self, *answers, tenant="acme"):
        self.tenant = SimpleNamespace(reference=tenant)
        self.answers = deque(answers)
        self.requests = []
        self.log_lines = []
        self.time = NOON
        self.app = SimpleNamespace(
            open=lambda: SECRETS["app"], bases=CONNECTORS["app"].urls, hosts=()
        )

    def now(self):
        return self.time

    def wait(self, **duration):
        self.time += timedelta(**duration)

    async def log(self, kind, *, level="info", **parameters):
        self.log_lines.append((kind, parameters))

    async def in_database(self, function):
        return self.app

    async def call(self, connection, build, parse):
        request = build(connection)
        self.requests.append(request)
        answer = self.answers.popleft() if self.answers else Response(500)
        return parse(answer(request) if callable(answer) else answer)


def answer(body, **more):
    return Response(200, dump_json(body), at=NOON, **more)


def orders(*numbers, after=None, tenant="acme", count=None):
    """A page of our own application's orders."""
    records = [
        {"number": number, "tenant": tenant, "version": 1, "updated_at": "2026-11-25T12:00:00Z"}
        for number in numbers
    ]
    return answer(
        {
            "orders": records,
            "count": len(records) if count is None else count,
            "next_after": after,
        }
    )


ORDERS = next(one for one in CONNECTORS["app"].collections if one.key == "orders")
APP = Connection(connector_key="app")


def read_all_pages(run, collection=ORDERS, *, connection=APP, query=(), cursor="", until=None):
    """All pages of a read, or so many of them."""

    async def collect():
        pages = []
        async for page in read_pages(run, connection, collection, dict(query), cursor=cursor):
            pages.append(page)
            if len(pages) == until:
                break
        return pages

    return asyncio.run(collect())


def ids(pages):
    return [record["number"] for page in pages for record in page.records]
