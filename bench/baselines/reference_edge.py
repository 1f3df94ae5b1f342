"""The limit to measure the hub's receiving against: a hand-written edge without a product.

The edge is a raw ASGI application (granian, one process): it verifies Slack's v0 signature over the
raw body, stores body and headers by one grouped INSERT (unique on the event id) and answers 200
after the commit. The load comes from bench/baselines/load_generator.py.

    python -m bench.baselines.reference_edge 'postgresql://user@host/db'
        [--seconds 10] [--connections 32] [--tampered 0.01] [--duplicated 0.05]
    python -m bench.baselines.reference_edge --url http://127.0.0.1:8000/hooks/slack/KEY/
        --secret SECRET

The second form is the generator alone, against any server. The first needs granian, uvloop and
psycopg, and a scratch database: it drops and makes the table ref_inbound there. Prints one JSON
line: requests a second, latency p50 and p99 in milliseconds, answers by status, and how many
distinct good ids were sent (and, for the edge, stored).
"""

import argparse
import asyncio
import contextlib
import hashlib
import hmac
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg

from bench.baselines.load_generator import Load

ROOT = Path(__file__).resolve().parent.parent.parent
APPLICATION = "bench.baselines.reference_edge:app"
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
INSERT = """
INSERT INTO ref_inbound (event_id, headers, body)
SELECT * FROM unnest(%s::text[], %s::text[], %s::bytea[]) ON CONFLICT (event_id) DO NOTHING
"""
CREATE = """
CREATE TABLE ref_inbound (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, event_id text UNIQUE, headers text,
    body bytea, received_at timestamptz DEFAULT now()
)
"""
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Waiting = tuple[str, str, bytes, "asyncio.Future[None]"]  # id, headers, body, when it is stored


# --- the edge -------------------------------------------------------------------------------------


class Store:
    """Groups what is waiting into one statement and one commit."""

    def __init__(self, dsn: str) -> None:
        self.dsn, self.wake = dsn, asyncio.Event()
        self.waiting: list[Waiting] = []
        self.task: asyncio.Task[None] | None = None

    async def run(self) -> None:
        connection = await psycopg.AsyncConnection.connect(self.dsn, autocommit=True)
        while True:
            await self.wake.wait()
            self.wake.clear()
            batch, self.waiting = self.waiting, []
            if batch:
                ids, headers, bodies, futures = zip(*batch, strict=True)
                await connection.execute(
                    INSERT, (list(ids), list(headers), list(bodies)), prepare=True
                )
                for future in futures:
                    future.set_result(None)

    async def put(self, event_id: str, headers: str, body: bytes) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting.append((event_id, headers, body, future))
        self.wake.set()
        await future


STORE: Store | None = None


async def read_body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        part: bytes = message.get("body", b"")
        body += part
        if not message.get("more_body"):
            return body


async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    global STORE
    if scope["type"] != "http":
        return
    if STORE is None:
        STORE = Store(os.environ["EDGE_DSN"])
        STORE.task = asyncio.get_running_loop().create_task(STORE.run())
    body = await read_body(receive)
    headers = dict(scope["headers"])
    stamp = headers.get(b"x-slack-request-timestamp", b"0")
    expected = (
        b"v0="
        + hmac.new(SECRET.encode(), b"v0:" + stamp + b":" + body, hashlib.sha256)
        .hexdigest()
        .encode()
    )
    good = abs(time.time() - int(stamp)) < 300 and hmac.compare_digest(
        expected, headers.get(b"x-slack-signature", b"")
    )
    if good:
        stored = json.dumps({name.decode(): value.decode() for name, value in headers.items()})
        await STORE.put(json.loads(body)["event_id"], stored, body)
    await send(
        {
            "type": "http.response.start",
            "status": 200 if good else 401,
            "headers": [(b"content-length", b"0")],
        }
    )
    await send({"type": "http.response.body", "body": b""})


# --- one run --------------------------------------------------------------------------------------


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dsn", nargs="?")
    parser.add_argument("--url")
    parser.add_argument("--secret", default=SECRET)
    parser.add_argument("--team", default="T0001")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--tampered", type=float, default=0.01)
    parser.add_argument("--duplicated", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def create_table(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS ref_inbound")
        connection.execute(CREATE)


def count_stored(dsn: str) -> int:
    with psycopg.connect(dsn) as connection:
        row = connection.execute("SELECT count(*) FROM ref_inbound").fetchone()
        return int(row[0]) if row else 0


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def serving(dsn: str) -> Iterator[str]:
    """Serve the edge in a process of its own, and yield its URL once it answers."""
    port = find_free_port()
    options = ["--interface", "asginl", "--port", str(port), "--workers", "1", "--no-ws"]
    server = subprocess.Popen(
        [sys.executable, "-m", "granian", *options, "--loop", "uvloop", APPLICATION],
        cwd=ROOT,
        env={**os.environ, "EDGE_DSN": dsn},
        stdout=subprocess.DEVNULL,
    )
    try:
        url = f"http://127.0.0.1:{port}/hooks"
        wait_for_answer(url)
        yield url
    finally:
        server.terminate()
        server.wait(10)


def wait_for_answer(url: str) -> None:
    for _ in range(100):
        try:
            urllib.request.urlopen(urllib.request.Request(url, b"{}"), timeout=1)
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)


def measure(options: argparse.Namespace, url: str) -> dict[str, Any]:
    load = Load(options, url)
    return load.figures(asyncio.run(load.run()))


def main() -> None:
    options = parse_arguments()
    if options.url is not None:
        print(json.dumps(measure(options, options.url)))
        return
    options.secret = SECRET
    create_table(options.dsn)
    with serving(options.dsn) as url:
        figures = measure(options, url)
        print(json.dumps(figures | {"stored": count_stored(options.dsn)}))


if __name__ == "__main__":
    main()
