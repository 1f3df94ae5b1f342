"""`python -m bench.baseline URL`: the limit to measure against, a hand-written pump with no product around it.

Claims rows with SKIP LOCKED, signs each payload (Standard Webhooks), sends it with aiohttp, settles state and attempt
durably in batches, while the next rows are claimed. It has no tenants, quotas, guard, mapping, leases or retries.
"""

import asyncio
import base64
import hashlib
import hmac
import os
import sys
import time

import aiohttp
import psycopg

from bench.processes import wait_for_go

SOCKETS = 64
TABLES = """
DROP TABLE IF EXISTS bench_delivery, bench_attempt;
CREATE TABLE bench_delivery (id bigserial PRIMARY KEY, state text, due timestamptz, payload text,
    attempts int DEFAULT 0, lease timestamptz);
CREATE INDEX ON bench_delivery (due) WHERE state = 'waiting';
CREATE TABLE bench_attempt (id bigserial PRIMARY KEY, delivery bigint, status int, ms real,
    at timestamptz DEFAULT now(), body text);
"""
CLAIM = """
UPDATE bench_delivery SET lease = now() + interval '30s', state = 'sending'
WHERE id IN (SELECT id FROM bench_delivery WHERE state = 'waiting' AND due <= now()
             ORDER BY due LIMIT 300 FOR UPDATE SKIP LOCKED)
RETURNING id, payload
"""
SETTLE = """
WITH done AS (SELECT unnest(%s::bigint[]) id, unnest(%s::int[]) status, unnest(%s::real[]) ms, unnest(%s::text[]) body),
     moved AS (UPDATE bench_delivery d SET state = 'delivered', attempts = attempts + 1, lease = NULL
               FROM done WHERE d.id = done.id)
INSERT INTO bench_attempt (delivery, status, ms, body) SELECT id, status, ms, body FROM done
"""


def prepare(dsn, payloads):
    with psycopg.connect(dsn, autocommit=True) as db:
        db.execute(TABLES)
        with db.cursor().copy("COPY bench_delivery (state, due, payload) FROM STDIN") as rows:
            for payload in payloads:
                rows.write_row(("waiting", "2020-01-01", payload))
        db.execute("ANALYZE bench_delivery")


async def pump(dsn, url):
    claims = await psycopg.AsyncConnection.connect(dsn, autocommit=True)
    settles = await psycopg.AsyncConnection.connect(dsn, autocommit=True)
    await asyncio.to_thread(wait_for_go)

    async def claim():
        return await (await claims.execute(CLAIM)).fetchall()

    async def settle(done):
        await settles.execute(SETTLE, [list(column) for column in zip(*done, strict=True)])

    async with claims, settles, aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=SOCKETS)) as http:
        claiming, settling = asyncio.create_task(claim()), None
        while rows := await claiming:
            claiming = asyncio.create_task(claim())
            done = await asyncio.gather(*(send(http, url, *row) for row in rows))
            if settling:
                await settling
            settling = asyncio.create_task(settle(done))
        if settling:
            await settling


async def send(http, url, number, payload):
    start = time.perf_counter()
    async with http.post(url, data=payload.encode(), headers=signed(f"msg_{number}", payload)) as answer:
        body = await answer.text()
        return number, answer.status, (time.perf_counter() - start) * 1000, body[:1000]


def signed(id, payload):
    stamp = str(int(time.time()))
    mac = hmac.new(b"k" * 24, f"{id}.{stamp}.{payload}".encode(), hashlib.sha256).digest()
    return {
        "webhook-id": id,
        "webhook-timestamp": stamp,
        "webhook-signature": "v1," + base64.b64encode(mac).decode(),
        "content-type": "application/json",
    }


if __name__ == "__main__":
    asyncio.run(pump(os.environ["DATABASE_URL"], sys.argv[1]))
