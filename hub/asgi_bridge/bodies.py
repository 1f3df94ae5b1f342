"""A request's body: its framing, and the limits of time and size; reading it occupies no thread."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from hub.asgi_bridge.limits import Limits
from hub.problems import Problem
from hub.shared_budget import SharedBudget

Receive = Callable[[], Awaitable[Mapping[str, Any]]]


class BodyTooLarge(Problem):
    """A body has more bytes than it may have. `size`: as announced, or read so far."""

    def __init__(self, size: int, max_bytes: int) -> None:
        super().__init__("payload-too-large", f"A body can have at most {max_bytes:,} bytes.")
        self.size = size


class Body:
    """A request body that counts against the shared budget from its first byte to its release.

    `is_read`: nothing of it is still to arrive.
    """

    def __init__(self, limits: Limits, budget: SharedBudget, client: str) -> None:
        self.limits, self.budget, self.client = limits, budget, client
        self.pieces: list[bytes] = []
        self.size = 0
        self.max_bytes = limits.body_bytes
        self.is_read = False

    async def read(
        self, receive: Receive, length: int | None, *, max_bytes: int | None = None
    ) -> bytes:
        """Return the whole body. `length` is the announced length, None if it is unknown.

        `max_bytes`: its own limit, below the one of all bodies.

        Each piece extends the deadline by its size divided by `body_bytes_per_second`, to at most
        `body_seconds` from now. Raises BodyTooLarge, Problem if the body is late or cut off, and
        BudgetExhausted if the budget has no room for it.
        """
        self.max_bytes = min(self.limits.body_bytes, max_bytes or self.limits.body_bytes)
        if length is not None and length > self.max_bytes:
            raise BodyTooLarge(length, self.max_bytes)
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
        self.is_read = True
        return b"".join(self.pieces)

    async def read_piece(self, receive: Receive) -> bool:
        """Read the next piece; return whether more follow. Raises like `read`."""
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Problem("unreadable-body")  # cut off in transit
        if piece := message.get("body", b""):
            if self.size + len(piece) > self.max_bytes:
                raise BodyTooLarge(self.size + len(piece), self.max_bytes)
            self.budget.acquire(len(piece), self.client)
            self.size += len(piece)
            self.pieces.append(piece)
        return bool(message.get("more_body"))

    def release(self) -> None:
        self.pieces.clear()
        if self.size:
            self.budget.release(self.size, self.client)
            self.size = 0


def parse_body_length(length: str | None, transfer_encoding: str | None) -> int | None:
    """Return the length of the body by its two headers: 0 without a body, None if it is chunked.

    Raises Problem if the headers are invalid or contradict each other.
    """
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
