"""The limit to measure the hub's receiving against: a hand-written edge without a product, and a load generator.

The edge is a raw ASGI application (granian, one process): it verifies Slack's v0 signature over the raw body, stores
body and headers by one grouped INSERT (unique on the event id) and answers 200 after the commit. The generator keeps
`--connections` open and sends the next request on each as soon as the answer is there. Every body has an id of its
own; some are altered after signing, some are sent twice.

    python -m bench.baselines.reference_edge 'postgresql://user@host/db' [--seconds 10] [--connections 32]
        [--tampered 0.01] [--duplicated 0.05]
    python -m bench.baselines.reference_edge --url http://127.0.0.1:8000/hooks/slack/KEY/ --secret SECRET

The second form is the generator alone, against any server. The first needs granian, uvloop and psycopg, and a scratch
database: it drops and makes the table ref_inbound there. Prints one JSON line: requests a second, latency p50 and p99
in milliseconds, answers by status, and how many distinct good ids were sent (and, for the edge, stored).
"""

import argparse
import asyncio
import collections
import hashlib
import hmac
import json
import os
import random
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request

import psycopg

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
INSERT = """
INSERT INTO ref_inbound (event_id, headers, body)
SELECT * FROM unnest(%s::text[], %s::text[], %s::bytea[]) ON CONFLICT (event_id) DO NOTHING
"""


# --- the edge --------------------------------------------------------------------------------------------------------


class Store:
    """Groups what is waiting into one statement and one commit."""

    def __init__(self, dsn):
        self.dsn, self.waiting, self.wake = dsn, [], asyncio.Event()

    async def run(self):
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

    async def put(self, event_id, headers, body):
        future = asyncio.get_running_loop().create_future()
        self.waiting.append((event_id, headers, body, future))
        self.wake.set()
        await future


STORE = None


async def app(scope, receive, send):
    global STORE
    if scope["type"] != "http":
        return
    if STORE is None:
        STORE = Store(os.environ["EDGE_DSN"])
        STORE.task = asyncio.get_running_loop().create_task(STORE.run())
    body = b""
    while True:
        part = await receive()
        body += part.get("body", b"")
        if not part.get("more_body"):
            break
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


# --- the generator ---------------------------------------------------------------------------------------------------


class Caller(asyncio.Protocol):
    def __init__(self, load):
        self.load, self.buffer = load, b""

    def connection_made(self, transport):
        self.transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.send()

    def send(self):
        if time.perf_counter() < self.load.ends:
            self.began = time.perf_counter()
            self.transport.write(self.load.next())
        else:
            self.load.idle.release()
            self.transport.close()

    def data_received(self, data):
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self.buffer[:end].lower()
        if b"transfer-encoding: chunked" in head:
            whole = self.buffer.endswith(b"0\r\n\r\n")
        else:
            at = head.find(b"content-length:")
            whole = len(self.buffer) >= end + 4 + (
                int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            )
        if whole:
            self.load.done(int(head[9:12]), time.perf_counter() - self.began)
            self.buffer = b""
            self.send()


class Load:
    def __init__(self, options, url):
        self.options, self.url = options, urllib.parse.urlsplit(url)
        self.random, self.count, self.good = random.Random(options.seed), 0, set()
        self.statuses, self.waits, self.last = collections.Counter(), [], None

    def next(self):
        if self.last and self.random.random() < self.options.duplicated:
            return self.last
        self.count += 1
        event_id = f"Ev{self.options.seed:04d}{self.count:010d}"
        event = {
            "type": "app_mention",
            "channel": "C0123456789",
            "user": "U0123456789",
            "text": "y" * 300,
            "ts": f"{time.time():.6f}",
        }
        frame = {
            "token": "x",
            "team_id": self.options.team,
            "api_app_id": "A1",
            "type": "event_callback",
            "event_id": event_id,
            "event": event,
        }
        body, stamp = json.dumps(frame).encode(), str(int(time.time()))
        signature = (
            "v0="
            + hmac.new(
                self.options.secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256
            ).hexdigest()
        )
        tampered = self.random.random() < self.options.tampered
        if tampered:
            body = body.replace(b"yyy", b"yyz", 1)
        else:
            self.good.add(event_id)
        head = (
            f"POST {self.url.path or '/'} HTTP/1.1\r\nHost: {self.url.netloc}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            f"X-Slack-Request-Timestamp: {stamp}\r\nX-Slack-Signature: {signature}\r\n\r\n"
        )
        request = head.encode() + body
        self.last = None if tampered else request
        return request

    def done(self, status, wait):
        self.statuses[status] += 1
        self.waits.append(wait)

    async def run(self):
        loop, self.idle = asyncio.get_running_loop(), asyncio.Semaphore(0)
        started = time.perf_counter()
        self.ends = started + self.options.seconds
        for _ in range(self.options.connections):
            await loop.create_connection(lambda: Caller(self), self.url.hostname, self.url.port)
        for _ in range(self.options.connections):
            await asyncio.wait_for(self.idle.acquire(), self.options.seconds + 30)
        return time.perf_counter() - started

    def figures(self, seconds):
        waits = sorted(self.waits)
        return {
            "per_second": round(len(waits) / seconds),
            "p50_ms": round(1000 * waits[len(waits) // 2], 2),
            "p99_ms": round(1000 * waits[int(len(waits) * 0.99)], 2),
            "statuses": dict(self.statuses),
            "good_ids": len(self.good),
        }


def main():
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
    options = parser.parse_args()
    server = None
    if options.url is None:
        options.secret = SECRET
        with psycopg.connect(options.dsn, autocommit=True) as connection:
            connection.execute("DROP TABLE IF EXISTS ref_inbound")
            connection.execute(
                "CREATE TABLE ref_inbound (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
                " event_id text UNIQUE, headers text, body bytea,"
                " received_at timestamptz DEFAULT now())"
            )
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        here = os.path.dirname(os.path.abspath(__file__))
        command = [
            "-m",
            "granian",
            "--interface",
            "asginl",
            "--port",
            str(port),
            "--workers",
            "1",
            "--no-ws",
            "--loop",
            "uvloop",
            "reference_edge:app",
        ]
        server = subprocess.Popen(
            [sys.executable, *command],
            cwd=here,
            env={**os.environ, "EDGE_DSN": options.dsn},
            stdout=subprocess.DEVNULL,
        )
        options.url = f"http://127.0.0.1:{port}/hooks"
        for _ in range(100):
            try:
                urllib.request.urlopen(urllib.request.Request(options.url, b"{}"), timeout=1)
            except urllib.error.HTTPError:
                break
            except OSError:
                time.sleep(0.1)
    try:
        load = Load(options, options.url)
        figures = load.figures(asyncio.run(load.run()))
        if server:
            with psycopg.connect(options.dsn) as connection:
                figures["stored"] = connection.execute(
                    "SELECT count(*) FROM ref_inbound"
                ).fetchone()[0]
        print(json.dumps(figures))
    finally:
        if server:
            server.terminate()
            server.wait(10)


if __name__ == "__main__":
    main()
