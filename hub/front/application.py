"""The ASGI application: admits a request, reads its body, hands it to a thread, sends the answer."""

import asyncio
from collections.abc import Mapping
from typing import Any

from hub.front.bodies import Body, Receive, announced_length
from hub.front.environ import Environ, environ_of, network_of, put_body
from hub.front.limits import Limits, overloaded
from hub.front.refusals import Send, refuse
from hub.front.responses import PIECE, WSGI, Answer, ClientStalled, Exchange
from hub.front.threads import ThreadPool
from hub.problems import Problem
from hub.shared_budget import BudgetExhausted, SharedBudget

FINISH_SECONDS = 8.0  # for what is in progress when the process is to end
LOOK_AGAIN = 0.05  # seconds


class Front:
    def __init__(self, wsgi: WSGI, *, behind_proxy: bool, limits: Limits) -> None:
        self.wsgi, self.behind_proxy, self.limits = wsgi, behind_proxy, limits
        self.threads = ThreadPool(limits.threads)
        self.requests = SharedBudget(limits.requests)
        self.bodies = SharedBudget(limits.bodies, limits.bodies_per_client)
        self.answers = SharedBudget(limits.answers, limits.answers_per_client)
        self.long_answers = SharedBudget(limits.long_answers, limits.long_answers_per_client)

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self.live(receive, send)
        try:
            await self.answer(environ_of(scope, behind_proxy=self.behind_proxy), receive, send)
        except Problem as problem:
            await refuse(problem, scope["path"], send)
        except BudgetExhausted:
            await refuse(overloaded(), scope["path"], send)
        except ClientStalled:
            pass  # an answer that has no end is cut by the server

    async def live(self, receive: Receive, send: Send) -> None:
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": f"{message['type']}.complete"})
        await self.finish()
        await send({"type": "lifespan.shutdown.complete"})

    async def finish(self) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + FINISH_SECONDS
        while self.requests.used and loop.time() < until:
            await asyncio.sleep(LOOK_AGAIN)

    async def answer(self, environ: Environ, receive: Receive, send: Send) -> None:
        length = announced_length(environ)
        client = network_of(environ["REMOTE_ADDR"])
        body = Body(self.limits, self.bodies, client)
        try:
            put_body(environ, b"" if length == 0 else await body.read(receive, length))
            with self.requests.taken(1):
                exchange = Exchange(self.wsgi, environ, self.limits, self.long_answers, client)
                self.threads.submit(exchange)
                answer = await exchange.answer
        finally:
            body.release()
        await self.send(answer, send, client)

    async def send(self, answer: Answer, send: Send, client: str) -> None:
        """A small answer at once; a large one in pieces, of which the next goes when the client has read the last."""
        start = {"type": "http.response.start", "status": answer.status, "headers": answer.headers}
        if answer.rest is None and len(answer.body) <= PIECE:
            await send(start)
            await send({"type": "http.response.body", "body": answer.body})
            return
        with self.answers.taken(len(answer.body), client):
            await send(start)
            for begin in range(0, len(answer.body), PIECE):
                await self.send_piece(answer.body[begin : begin + PIECE], send)
        while answer.rest is not None and (piece := await answer.rest.pieces.get()):
            await self.send_piece(piece, send)
        if answer.rest is not None and answer.rest.broken:
            raise ClientStalled
        await send({"type": "http.response.body", "body": b""})

    async def send_piece(self, piece: bytes, send: Send) -> None:
        try:
            async with asyncio.timeout(self.limits.answer_seconds):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        except TimeoutError:
            raise ClientStalled from None
