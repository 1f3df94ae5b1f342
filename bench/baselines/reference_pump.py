"""The limit to measure the hub's delivery against: a hand-written pump with no product around it.

Claims rows from PostgreSQL with SKIP LOCKED, signs each payload (Standard Webhooks), sends it with
aiohttp to a sink, settles state and attempt durably in batches. Prints deliveries a second for 1
and 2 processes.

    python bench/baselines/reference_pump.py 'postgresql://user@host/db' [--deliveries 20000]
      [--sink http://127.0.0.1:9099/x]

Needs psycopg and aiohttp, and a scratch database: it drops and makes the tables ref_delivery and
ref_attempt there. Without --sink it starts a sink of its own (one more process on the same cores).
"""

import argparse
import asyncio
import base64
import hashlib
import hmac
import json
import multiprocessing as mp
import time
from collections.abc import Sequence

import aiohttp
import psycopg

CLAIM = """
UPDATE ref_delivery SET lease = now() + interval '30s', state = 'sending'
WHERE id IN (SELECT id FROM ref_delivery WHERE state = 'waiting' AND due <= now()
             ORDER BY due LIMIT 300 FOR UPDATE SKIP LOCKED)
RETURNING id, payload
"""
Result = tuple[int, int, float, str]  # id, status, milliseconds, body
SETTLE = """
WITH done AS (SELECT unnest(%s::bigint[]) id, unnest(%s::int[]) status, unnest(%s::real[]) ms,
                     unnest(%s::text[]) body),
     moved AS (UPDATE ref_delivery d SET state = 'delivered', attempts = attempts + 1, lease = NULL
               FROM done WHERE d.id = done.id)
INSERT INTO ref_attempt (delivery, status, ms, body) SELECT id, status, ms, body FROM done
"""


class Sink(asyncio.Protocol):
    """Answers every request with 200 after reading its body; speaks just enough HTTP/1.1."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.buffer = transport, b""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end].lower()
            at = head.find(b"content-length:")
            size = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self.buffer) < end + 4 + size:
                return
            self.buffer = self.buffer[end + 4 + size :]
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n")


def serve_sink(port: int) -> None:
    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(
            Sink, "127.0.0.1", port, backlog=4096
        )
        await server.serve_forever()

    asyncio.run(main())


def prepare(dsn: str, count: int) -> None:
    with psycopg.connect(dsn, autocommit=True) as db:
        db.execute("DROP TABLE IF EXISTS ref_delivery")
        db.execute("DROP TABLE IF EXISTS ref_attempt")
        db.execute(
            "CREATE TABLE ref_delivery (id bigserial PRIMARY KEY, state text, due timestamptz, "
            "payload text,"
            " attempts int DEFAULT 0, lease timestamptz)"
        )
        db.execute("CREATE INDEX ON ref_delivery (due) WHERE state = 'waiting'")
        db.execute(
            "CREATE TABLE ref_attempt (id bigserial PRIMARY KEY, delivery bigint, status int, ms "
            "real,"
            " at timestamptz DEFAULT now(), body text)"
        )
        with db.cursor().copy("COPY ref_delivery (state, due, payload) FROM STDIN") as rows:
            for number in range(count):
                payload = {"type": "order.created", "data": {"number": number, "note": "y" * 400}}
                rows.write_row(("waiting", "2020-01-01", json.dumps(payload)))
        db.execute("ANALYZE ref_delivery")


async def pump(dsn: str, url: str) -> int:
    sent = 0
    claims = await psycopg.AsyncConnection.connect(dsn, autocommit=True)
    settles = await psycopg.AsyncConnection.connect(dsn, autocommit=True)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=64)) as http:

        async def claim() -> list[tuple[int, str]]:
            return await (await claims.execute(CLAIM)).fetchall()

        async def settle(done: Sequence[Result]) -> None:
            await settles.execute(SETTLE, [list(column) for column in zip(*done, strict=True)])

        async def send(number: int, payload: str) -> Result:
            stamp = str(int(time.time()))
            mac = hmac.new(
                b"k" * 24, f"msg_{number}.{stamp}.{payload}".encode(), hashlib.sha256
            ).digest()
            headers = {
                "webhook-id": f"msg_{number}",
                "webhook-timestamp": stamp,
                "webhook-signature": "v1," + base64.b64encode(mac).decode(),
                "content-type": "application/json",
            }
            start = time.perf_counter()
            async with http.post(url, data=payload.encode(), headers=headers) as answer:
                body = await answer.text()
                return number, answer.status, (time.perf_counter() - start) * 1000, body[:1000]

        claiming, settling = asyncio.create_task(claim()), None
        while rows := await claiming:
            claiming = asyncio.create_task(claim())
            done = await asyncio.gather(*(send(number, payload) for number, payload in rows))
            if settling:
                await settling
            settling = asyncio.create_task(settle(done))
            sent += len(done)
        if settling:
            await settling
    return sent


def work(dsn: str, url: str, answers: "mp.Queue[int]") -> None:
    answers.put(asyncio.run(pump(dsn, url)))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dsn")
    parser.add_argument("--deliveries", type=int, default=20_000)
    parser.add_argument("--sink")
    options = parser.parse_args()
    sink = None
    if not options.sink:
        sink = mp.Process(target=serve_sink, args=(9098,), daemon=True)
        sink.start()
        time.sleep(0.5)
    url = options.sink or "http://127.0.0.1:9098/x"
    for processes in (1, 2):
        prepare(options.dsn, options.deliveries)
        answers: mp.Queue[int] = mp.Queue()
        workers = [
            mp.Process(target=work, args=(options.dsn, url, answers)) for _ in range(processes)
        ]
        start = time.monotonic()
        for worker in workers:
            worker.start()
        sent = sum(answers.get() for _ in workers)
        for worker in workers:
            worker.join()
        rate = sent / (time.monotonic() - start)
        print(json.dumps({"processes": processes, "delivered": sent, "per_second": round(rate)}))
    if sink:
        sink.terminate()


if __name__ == "__main__":
    main()
