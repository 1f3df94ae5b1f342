"""The ASGI application: read a request, hand it to a thread, send the answer."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from hub.asgi_bridge.answer_deadline import AnswerDeadline
from hub.asgi_bridge.bodies import Body, Receive, parse_body_length
from hub.asgi_bridge.environ import Environ, build_environ, client_network, put_body
from hub.asgi_bridge.limits import Limits, build_overloaded_problem
from hub.asgi_bridge.loop_routes import LoopRoute, LoopRoutes
from hub.asgi_bridge.refusals import Send, send_answer, send_problem
from hub.asgi_bridge.responses import PIECE_SIZE, WSGI, Answer, ClientStalled, WsgiExchange
from hub.asgi_bridge.threads import ThreadPool
from hub.problems import Problem
from hub.shared_budget import BudgetExhausted, SharedBudget

SHUTDOWN_SECONDS = 8.0  # seconds to finish running requests when the process stops
POLL_INTERVAL = 0.05  # seconds


class AnswerObserver(Protocol):
    def __call__(self, path: str, status: int, seconds: float, *, is_refusal: bool) -> None:
        """Take note of an answer, in the event loop; `is_refusal`: it was not given by Django."""


def ignore_answer(path: str, status: int, seconds: float, *, is_refusal: bool) -> None:
    pass


class AsgiBridge:
    """The ASGI application. Requests below `deadline_path` are answered within a deadline.

    `loop_routes` answer their requests in the event loop; all others are Django's. `on_answer`
    takes note of each answer that was sent.
    """

    def __init__(
        self,
        wsgi: WSGI,
        *,
        behind_proxy: bool,
        limits: Limits,
        deadline_path: str = "",
        on_answer: AnswerObserver = ignore_answer,
        loop_routes: Sequence[LoopRoute] = (),
    ) -> None:
        self.wsgi, self.behind_proxy, self.limits = wsgi, behind_proxy, limits
        self.on_answer = on_answer
        self.loop_routes = LoopRoutes(loop_routes, behind_proxy)
        self.threads = ThreadPool(limits.threads)
        self.deadline = AnswerDeadline(
            self.threads, path=deadline_path, seconds=limits.webhook_answer_seconds
        )
        self.requests = SharedBudget(limits.requests_in_progress)
        self.bodies = SharedBudget(limits.all_bodies_bytes, limits.bodies_bytes_per_client)
        self.answers = SharedBudget(limits.all_answers_bytes, limits.answers_bytes_per_client)
        self.long_answers = SharedBudget(limits.long_answers, limits.long_answers_per_client)

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.handle_lifespan(receive, send)
            return
        path, loop, refusal = scope["path"], asyncio.get_running_loop(), None
        began = loop.time()
        try:
            if route := self.loop_routes.find(scope):
                answer = await self.loop_routes.answer(route, scope, receive, self.new_body)
                await send_answer(answer, send)
                status = answer.status
            else:
                environ = build_environ(scope, behind_proxy=self.behind_proxy)
                status = await self.ask_django(environ, receive, send)
        except Problem as problem:
            refusal = problem
        except BudgetExhausted:
            refusal = build_overloaded_problem()
        except ClientStalled:
            return  # the server cuts an answer that does not end
        if refusal:
            status = refusal.status_code
            await send_problem(refusal, path, send)
        self.on_answer(path, status, loop.time() - began, is_refusal=bool(refusal))

    async def handle_lifespan(self, receive: Receive, send: Send) -> None:
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": f"{message['type']}.complete"})
        await self.finish()
        await send({"type": "lifespan.shutdown.complete"})

    async def finish(self) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + SHUTDOWN_SECONDS
        while (self.requests.used or self.loop_routes.in_progress) and loop.time() < deadline:
            await asyncio.sleep(POLL_INTERVAL)
        await asyncio.to_thread(self.loop_routes.close)

    def new_body(self, address: str) -> Body:
        """Return the body of a request, still to be read, that counts to its client."""
        return Body(self.limits, self.bodies, client_network(address))

    async def ask_django(self, environ: Environ, receive: Receive, send: Send) -> int:
        """Send Django's answer; return its status. Raises as reading, waiting and sending do."""
        length = parse_body_length(
            environ.get("CONTENT_LENGTH"), environ.get("HTTP_TRANSFER_ENCODING")
        )
        body = self.new_body(environ["REMOTE_ADDR"])
        client = body.client
        try:
            put_body(environ, b"" if length == 0 else await body.read(receive, length))
            with self.requests.acquire_for_block(1):
                exchange = WsgiExchange(self.wsgi, environ, self.limits, self.long_answers, client)
                self.threads.submit(exchange)
                answer = await self.deadline.wait_for(exchange)
        finally:
            body.release()
        await self.send(answer, send, client)
        return answer.status

    async def send(self, answer: Answer, send: Send, client: str) -> None:
        """Send a small response at once, and a large one in pieces, as fast as the client reads.

        Raises ClientStalled if the client does not read a piece in time, or if the response was cut
        off.
        """
        if answer.remainder is None and len(answer.body) <= PIECE_SIZE:
            await send_answer(answer, send)
            return
        start = {"type": "http.response.start", "status": answer.status, "headers": answer.headers}
        with self.answers.acquire_for_block(len(answer.body), client):
            await send(start)
            for begin in range(0, len(answer.body), PIECE_SIZE):
                await self.send_piece(answer.body[begin : begin + PIECE_SIZE], send)
        while answer.remainder is not None and (piece := await answer.remainder.pieces.get()):
            await self.send_piece(piece, send)
        if answer.remainder is not None and answer.remainder.is_broken:
            raise ClientStalled
        await send({"type": "http.response.body", "body": b""})

    async def send_piece(self, piece: bytes, send: Send) -> None:
        try:
            async with asyncio.timeout(self.limits.piece_seconds):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        except TimeoutError:
            raise ClientStalled from None
