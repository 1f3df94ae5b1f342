"""The route of the event loop at which external systems deliver webhooks.

A request is verified in memory. One thread loads the receivers that are needed, another stores what
was received; each does what waits for it in one statement or transaction. The answer is given after
the commit.
"""

import asyncio
import re
from collections.abc import Coroutine
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from django.conf import settings

from connectors.http import Response
from connectors.webhook_request import WebhookRequest
from hub.asgi_bridge.batch_thread import BatchThread
from hub.asgi_bridge.bodies import BodyTooLarge
from hub.asgi_bridge.limits import KIBIBYTE
from hub.asgi_bridge.loop_routes import LoopRequest
from hub.asgi_bridge.responses import Answer, encode_headers
from hub.db.clock import clock
from hub.incoming.endpoints.create import ENDPOINT_PATH
from hub.incoming.receiving.accepted_messages import ReceivedMessage
from hub.incoming.receiving.admission import BACKLOG, RETRY_AFTER, admit_request
from hub.incoming.receiving.decide import Decision, ReceivedRequest, decide
from hub.incoming.receiving.receive import (
    RECEIVERS,
    build_receiver_key,
    count_backlog,
    load_receivers,
    store_requests,
)
from hub.incoming.receiving.receiver_cache import CURRENT, MAX_AGE, Receiver, ReceiverKey
from hub.problems import Problem

Result = TypeVar("Result")
ADDRESS = re.compile("/" + ENDPOINT_PATH.format(connector=r"([-\w]{1,40})", key=r"([^/%]{1,200})"))
SMALL_BODY = 64 * KIBIBYTE  # bytes; a larger body is read after its URL was found
REFRESH_AGE = MAX_AGE / 2  # of a receiver in use, so that its requests do not wait at MAX_AGE
MAX_BATCH = 100  # messages in one transaction, or receivers in one statement
CONTENT_TYPE = "text/plain; charset=utf-8"


class WebhookRoute:
    """Receive webhooks, as InboundWebhookView does; answer within so many seconds."""

    pattern = ENDPOINT_PATH.format(connector="<slug:connector>", key="<str:key>")

    def __init__(self, *, answer_seconds: float) -> None:
        self.answer_seconds = answer_seconds
        self.loader = BatchThread(load_receivers, max_batch=MAX_BATCH, name="webhook-receivers")
        self.refreshing: set[ReceiverKey] = set()
        self.counter = BatchThread(count_backlog, max_batch=MAX_BATCH, name="webhook-backlog")
        self.writer: BatchThread[ReceivedMessage, Problem | None] = BatchThread(
            store_requests, max_batch=MAX_BATCH, name="webhook-writer"
        )

    def takes(self, path: str) -> bool:
        """Return whether it is a canonical path of an endpoint: nothing in it is encoded."""
        return ADDRESS.fullmatch(path) is not None

    def close(self) -> None:
        self.loader.close()
        self.counter.close()
        self.writer.close()

    async def answer(self, request: LoopRequest) -> Answer:
        """Verify the request, store it, acknowledge it. Raises Problem like `receive_webhook`.

        503 at the deadline, which begins when the body has arrived: then the system tries again,
        and if the request is stored after all, the next is a duplicate.
        """
        body, size = await self.read_body(request)
        received = build_received_request(request, body, size)
        with admit_request():
            response = await self._in_time(self.receive(request.path, received))
        return build_answer(response, closes=size > len(body))

    async def read_body(self, request: LoopRequest) -> tuple[bytes, int]:
        """Return the body with its size; b"" if it has more than its source may send.

        A body that may be large is read after its URL was found, within its source's limit.
        """
        if request.body_length is not None and request.body_length <= SMALL_BODY:
            body = await request.read_body()
            return body, len(body)
        with admit_request():
            finding = self.find_receiver(request.path, max_age=MAX_AGE, now=clock())
            receiver = await self._in_time(finding)
        try:
            body = await request.read_body(receiver.source.body_bytes_max)
        except BodyTooLarge as problem:
            return b"", problem.size
        return body, len(body)

    async def receive(self, path: str, received: ReceivedRequest) -> Response:
        """Return the response after the commit. Raises Problem."""
        await self.refuse_if_backlog_full(now=received.at)
        decision = await self.decide(path, received, max_age=MAX_AGE)
        if decision.cause:  # a new secret, network or state may be younger than what was cached
            decision = await self.decide(path, received, max_age=CURRENT)
        if decision.stored and (problem := await self.writer.process(decision.stored)):
            raise problem
        return decision.get_response()

    async def decide(self, path: str, received: ReceivedRequest, *, max_age: timedelta) -> Decision:
        """Decide by the URL's receiver; about a large body in a thread, as its hash takes long."""
        receiver = await self.find_receiver(path, max_age=max_age, now=received.at)
        if received.size > SMALL_BODY:
            return await asyncio.to_thread(decide, receiver, received)
        return decide(receiver, received)

    async def refuse_if_backlog_full(self, *, now: datetime) -> None:
        """Raise Problem (503) if the backlog is full.

        Only a process that never counted it waits: to count a large one takes a while.
        """
        if BACKLOG.is_count_due(now=now):
            counting = self.counter.submit(now)
            if BACKLOG.counted_at is None:
                await counting
            else:  # without a database the next second counts
                counting.add_done_callback(asyncio.Future.exception)
        BACKLOG.refuse_if_counted_full()

    async def find_receiver(self, path: str, *, max_age: timedelta, now: datetime) -> Receiver:
        """Return the receiver of a URL. Raises Problem (404)."""
        key = read_receiver_key(path)
        if cached := RECEIVERS.get_cached(key, max_age=max_age, now=now):
            loaded_at, receiver = cached
            if receiver and now - loaded_at > REFRESH_AGE:
                self.refresh(key)
        else:
            receiver = await self.loader.process(key)
        if receiver is None:
            raise Problem("not-found")
        return receiver

    def refresh(self, key: ReceiverKey) -> None:
        """Load a receiver again, once at a time; nobody waits for it."""
        if key not in self.refreshing:
            self.refreshing.add(key)
            self.loader.submit(key).add_done_callback(partial(self._end_refresh, key))

    def _end_refresh(self, key: ReceiverKey, loading: asyncio.Future[Receiver | None]) -> None:
        self.refreshing.discard(key)
        loading.exception()  # without a database, who needs the receiver is told so

    async def _in_time(self, work: Coroutine[Any, Any, Result]) -> Result:
        try:
            async with asyncio.timeout(self.answer_seconds):
                return await work
        except TimeoutError:
            raise Problem("temporarily-unavailable", headers=RETRY_AFTER) from None


def read_receiver_key(path: str) -> ReceiverKey:
    """Return the key of the receiver at a path that the route takes. Raises Problem (404)."""
    match = ADDRESS.fullmatch(path)
    if match is None:
        raise Problem("not-found")
    return build_receiver_key(*match.groups())


def build_received_request(request: LoopRequest, body: bytes, size: int) -> ReceivedRequest:
    """Build the value that is verified: with the URL as it is registered at the system."""
    query = request.query
    webhook = WebhookRequest(
        method="POST",
        url=f"{settings.HUB_PUBLIC_URL}{request.path}{'?' if query else ''}{query}",
        body=body,
        headers=tuple(request.headers.items()),
        path=request.path,
        query=query,
    )
    return ReceivedRequest(webhook, request.address, size, clock())


def build_answer(response: Response, *, closes: bool) -> Answer:
    """Build the answer of a connector's response; `closes`: the rest of a body may still arrive."""
    headers = {
        "content-type": CONTENT_TYPE,
        **response.headers,
        "content-length": str(len(response.body)),
        **({"connection": "close"} if closes else {}),
    }
    return Answer(response.status, encode_headers(headers.items()), response.body)
