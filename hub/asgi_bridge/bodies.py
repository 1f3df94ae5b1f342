"""A request's body: its framing, and the limits of time and size; reading it occupies no thread."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from hub.asgi_bridge.limits import Limits
from hub.problems import Problem
from hub.shared_budget import SharedBudget

Receive = Callable[[], Awaitable[Mapping[str, Any]]]


class Body:
    """A request body that counts against the shared budget from its first byte to its release."""

    def __init__(self, limits: Limits, budget: SharedBudget, client: str) -> None:
        self.limits, self.budget, self.client = limits, budget, client
        self.pieces: list[bytes] = []
        self.size = 0

    async def read(self, receive: Receive, length: int | None) -> bytes:
        """Return the whole body. `length` is the announced length, None if it is unknown.

        Each piece extends the deadline by its size divided by `body_bytes_per_second`, to at most
        `body_seconds` from now. Raises Problem if the body is late, too large or cut off, and
        BudgetExhausted if the budget has no room for it.
        """
        if length is not None and length > self.limits.body_bytes:
            raise self.too_large_problem()
        try:
            async with asyncio.timeout(self.limits.body_seconds) as deadline:
                loop, before = asyncio.get_running_loop(), 0
                while await self.read_piece(receive):
                    earned = (self.size - before) / self.limits.body_bytes_per_second
                    before = self.size
                    ends_at = (deadline.when() or loop.time()) + earned
                    deadline.reschedule(min(ends_at, loop.time() + self.limits.body_seconds))
        except TimeoutError:
            raise Problem("request-timeout") from None
        if length is not None and self.size != length:
            raise Problem("unreadable-body")  # cut off in transit
        return b"".join(self.pieces)

    async def read_piece(self, receive: Receive) -> bool:
        """Read the next piece; return whether more follow. Raises like `read`."""
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Problem("unreadable-body")  # cut off in transit
        if piece := message.get("body", b""):
            if self.size + len(piece) > self.limits.body_bytes:
                raise self.too_large_problem()
            self.budget.acquire(len(piece), self.client)
            self.size += len(piece)
            self.pieces.append(piece)
        return bool(message.get("more_body"))

    def too_large_problem(self) -> Problem:
        return Problem(
            "payload-too-large", f"A body can have at most {self.limits.body_bytes:,} bytes."
        )

    def release(self) -> None:
        self.pieces.clear()
        if self.size:
            self.budget.release(self.size, self.client)
            self.size = 0


def parse_body_length(headers: Mapping[str, str]) -> int | None:
    """Return the length of the body: 0 without a body, None if it is chunked.

    Raises Problem if the framing headers are invalid or contradict each other.
    """
    length, transfer_encoding = headers.get("CONTENT_LENGTH"), headers.get("HTTP_TRANSFER_ENCODING")
    if transfer_encoding is None:
        return _parse_content_length(length or "0")
    if length:
        raise Problem(
            "bad-request", "A request must not have both Content-Length and Transfer-Encoding."
        )
    if transfer_encoding.strip().lower() != "chunked":
        raise Problem("bad-request", "The only Transfer-Encoding taken here is chunked.")
    return None


def _parse_content_length(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise Problem("bad-request", "The Content-Length is not a number.")
    return int(text)
