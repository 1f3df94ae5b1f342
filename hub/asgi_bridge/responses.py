"""Pass Django's response from its thread to the event loop, as fast as the client reads it."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import SuspiciousOperation

from hub.asgi_bridge.environ import Environ
from hub.asgi_bridge.limits import KIBIBYTE, Limits
from hub.problems import Problem
from hub.shared_budget import BudgetExhausted, SharedBudget

WSGI = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]
PIECE_SIZE = 256 * KIBIBYTE
Headers = list[tuple[bytes, bytes]]


class ClientStalled(Exception):
    """The client reads too slowly or is disconnected."""


@dataclass(slots=True)
class Answer:
    status: int
    headers: Headers
    body: bytes
    # the pieces after the body, while a thread produces them
    remainder: "StreamedRemainder | None" = None


@dataclass(slots=True)
class StreamedRemainder:
    """Pieces of a long response after the first, one at a time; an empty piece marks the end."""

    loop: asyncio.AbstractEventLoop
    piece_seconds: float
    pieces: asyncio.Queue[bytes] = field(default_factory=lambda: asyncio.Queue(1))
    is_broken: bool = False  # the answer is incomplete

    def put(self, piece: bytes) -> None:
        """Queue a piece; called in the thread.

        Raises ClientStalled if the previous piece is not taken in time.
        """
        pending = asyncio.run_coroutine_threadsafe(self.pieces.put(piece), self.loop)
        try:
            pending.result(self.piece_seconds)
        except TimeoutError:
            pending.cancel()
            raise ClientStalled from None

    def end(self, *, broken: bool) -> None:
        """Mark the end of the response; in the thread. `broken`: the response is incomplete."""
        self.is_broken = broken
        self.loop.call_soon_threadsafe(self.finish)

    def finish(self) -> None:
        while self.is_broken and not self.pieces.empty():
            self.pieces.get_nowait()
        asyncio.ensure_future(self.pieces.put(b""))


def encode_headers(headers: Iterable[tuple[str, str]]) -> Headers:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]


class WsgiExchange:
    """A job for the thread pool: one request handled by Django, from environ to response."""

    def __init__(
        self, wsgi: WSGI, environ: Environ, limits: Limits, long_answers: SharedBudget, client: str
    ) -> None:
        self.wsgi, self.environ, self.limits = wsgi, environ, limits
        self.long_answers, self.client = long_answers, client
        self.loop = asyncio.get_running_loop()
        self.answer: asyncio.Future[Answer] = self.loop.create_future()
        self.status, self.headers = 500, Headers()

    def __call__(self) -> None:
        """Run Django's WSGI handler in this thread, and pass on the response or the error."""
        try:
            response = self.wsgi(self.environ, self.start_response)
            try:
                self.forward_response(response)
            finally:
                if hasattr(response, "close"):
                    response.close()  # in this thread: Django releases its thread-local resources
        except (Problem, BudgetExhausted, ClientStalled) as error:
            self.loop.call_soon_threadsafe(self.fail, error)
        except SuspiciousOperation:  # Django read the query before it handles errors
            self.loop.call_soon_threadsafe(self.fail, Problem("bad-request"))
        except Exception:
            self.loop.call_soon_threadsafe(self.fail, Problem("internal-error"))
            raise
        finally:
            self.environ["wsgi.input"].close()  # reference cycles in Django must not keep the body

    def start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> None:
        self.status = int(status[:3])
        self.headers = encode_headers(headers)

    def forward_response(self, response: Iterable[bytes]) -> None:
        if self.environ["REQUEST_METHOD"] == "HEAD":
            return self.resolve_answer(b"")
        if not getattr(response, "streaming", True):
            return self.resolve_answer(b"".join(response))
        pieces = _join_pieces(response, self.limits.answer_bytes_ahead)
        first = next(pieces, b"")
        if len(first) < self.limits.answer_bytes_ahead:
            return self.resolve_answer(first)
        with self.long_answers.acquire_for_block(1, self.client):
            return self.stream_response(first, pieces)

    def stream_response(self, first: bytes, pieces: Iterator[bytes]) -> None:
        """Pass on a long response in pieces; the thread waits for the client between them."""
        remainder = StreamedRemainder(self.loop, self.limits.piece_seconds)
        self.resolve_answer(first, remainder)
        is_broken = True
        try:
            for piece in pieces:
                remainder.put(piece)
            is_broken = False
        finally:
            remainder.end(broken=is_broken)

    def resolve_answer(self, body: bytes, remainder: StreamedRemainder | None = None) -> None:
        answer = Answer(self.status, self.headers, body, remainder)
        self.loop.call_soon_threadsafe(self.succeed, answer)

    def succeed(self, answer: Answer) -> None:
        if not self.answer.done():
            self.answer.set_result(answer)

    def fail(self, error: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


def _join_pieces(pieces: Iterable[bytes], first_size: int) -> Iterator[bytes]:
    """Join small pieces: the first has at least `first_size` bytes, the others PIECE_SIZE.

    The last piece may be shorter.
    """
    collected, size, wanted_size = [], 0, first_size
    for piece in pieces:
        collected.append(piece)
        size += len(piece)
        if size >= wanted_size:
            yield b"".join(collected)
            collected, size, wanted_size = [], 0, PIECE_SIZE
    if collected:
        yield b"".join(collected)
