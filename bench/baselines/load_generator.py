"""The load of the reference edge: signed requests of Slack over some connections at the same time.

Each connection sends the next request as soon as the answer is there. Every body has an id of its
own; some are altered after signing, some are sent twice.
"""

import argparse
import asyncio
import collections
import hashlib
import hmac
import json
import random
import socket
import time
import urllib.parse
from typing import Any


def build_request(
    url: urllib.parse.SplitResult, event_id: str, *, team: str, secret: str, tampered: bool = False
) -> bytes:
    """Build the whole request of an event of Slack, signed now; a tampered one is altered after."""
    body, headers = sign_event(event_id, team=team, secret=secret)
    if tampered:
        body = body.replace(b"yyy", b"yyz", 1)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"POST {url.path or '/'} HTTP/1.1\r\nHost: {url.netloc}\r\n{lines}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def sign_event(event_id: str, *, team: str, secret: str) -> tuple[bytes, dict[str, str]]:
    """Return the body of a mention in this workspace, and the headers that sign it now."""
    event = {
        "type": "app_mention",
        "channel": "C0123456789",
        "user": "U0123456789",
        "text": "y" * 300,
        "ts": f"{time.time():.6f}",
    }
    frame = {
        "token": "x",
        "team_id": team,
        "api_app_id": "A1",
        "type": "event_callback",
        "event_id": event_id,
        "event_time": int(time.time()),
        "event": event,
    }
    body = json.dumps(frame).encode()
    return body, sign_body(body, secret)


def sign_body(body: bytes, secret: str) -> dict[str, str]:
    """Return the headers that sign a body now, as Slack does."""
    stamp = str(int(time.time()))
    digest = hmac.new(secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/json",
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": f"v0={digest}",
    }


class Caller(asyncio.Protocol):
    """One connection, on which the next request follows each answer."""

    def __init__(self, load: "Load") -> None:
        self.load, self.buffer = load, b""
        self.began = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.send()

    def send(self) -> None:
        if time.perf_counter() < self.load.ends:
            self.began = time.perf_counter()
            self.transport.write(self.load.next())
        else:
            self.load.idle.release()
            self.transport.close()

    def data_received(self, data: bytes) -> None:
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
    """The requests to send, and what came of them."""

    def __init__(self, options: argparse.Namespace, url: str) -> None:
        self.options, self.url = options, urllib.parse.urlsplit(url)
        self.host, self.port = self.url.hostname or "127.0.0.1", self.url.port or 80
        self.random, self.count = random.Random(options.seed), 0
        self.good: set[str] = set()
        self.statuses: collections.Counter[int] = collections.Counter()
        self.waits: list[float] = []
        self.last: bytes | None = None

    def next(self) -> bytes:
        if self.last and self.random.random() < self.options.duplicated:
            return self.last
        self.count += 1
        event_id = f"Ev{self.options.seed:04d}{self.count:010d}"
        tampered = self.random.random() < self.options.tampered
        request = build_request(
            self.url,
            event_id,
            team=self.options.team,
            secret=self.options.secret,
            tampered=tampered,
        )
        if not tampered:
            self.good.add(event_id)
        self.last = None if tampered else request
        return request

    def done(self, status: int, wait: float) -> None:
        self.statuses[status] += 1
        self.waits.append(wait)

    async def run(self) -> float:
        loop, self.idle = asyncio.get_running_loop(), asyncio.Semaphore(0)
        started = time.perf_counter()
        self.ends = started + self.options.seconds
        for _ in range(self.options.connections):
            await loop.create_connection(lambda: Caller(self), self.host, self.port)
        for _ in range(self.options.connections):
            await asyncio.wait_for(self.idle.acquire(), self.options.seconds + 30)
        return time.perf_counter() - started

    def figures(self, seconds: float) -> dict[str, Any]:
        waits = sorted(self.waits)
        return {
            "per_second": round(len(waits) / seconds),
            "p50_ms": round(1000 * waits[len(waits) // 2], 2),
            "p99_ms": round(1000 * waits[int(len(waits) * 0.99)], 2),
            "statuses": dict(self.statuses),
            "good_ids": len(self.good),
        }
