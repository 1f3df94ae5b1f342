"""Send prepared requests over some connections, as fast as they are answered or at a pace."""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

Build = Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Answer:
    """A request's status, and seconds of the machine's monotonic clock: when it was to be sent, and
    when it was answered.
    """

    id: str
    status: int
    due_at: float
    answered_at: float

    @property
    def milliseconds(self) -> float:
        return (self.answered_at - self.due_at) * 1000


class Dispatch:
    """What all connections of one dispatch share: the requests, their pace, and the answers."""

    def __init__(self, requests: Iterable[tuple[str, Build]], per_second: float | None) -> None:
        self.requests: Iterator[tuple[str, Build]] = iter(requests)
        self.per_second = per_second
        self.begin, self.count = time.monotonic(), 0
        self.answers: list[Answer] = []

    def next(self) -> tuple[str, Build, float] | None:
        """Return the next request and when it is to be sent; None after the last."""
        if (entry := next(self.requests, None)) is None:
            return None
        number, self.count = self.count, self.count + 1
        now = time.monotonic()
        return *entry, self.begin + number / self.per_second if self.per_second else now


async def send(
    place: str,
    requests: Iterable[tuple[str, Build]],
    *,
    connections: int,
    per_second: float | None = None,
) -> list[Answer]:
    """Send requests with their ids over so many connections; each has one request on its way.

    Without `per_second` each connection sends the next as soon as the answer is there. With it,
    waiting for a free connection counts as time of the answer.
    """
    dispatch = Dispatch(requests, per_second)
    await asyncio.gather(*(send_over_connection(place, dispatch) for _ in range(connections)))
    return dispatch.answers


async def send_over_connection(place: str, dispatch: Dispatch) -> None:
    reader, writer = await asyncio.open_connection(*place.split(":"))
    while (entry := dispatch.next()) is not None:
        id, build, due_at = entry
        if (delay := due_at - time.monotonic()) > 0:
            await asyncio.sleep(delay)
        writer.write(build())
        status = await read_status(reader)
        dispatch.answers.append(Answer(id, status, due_at, time.monotonic()))
    writer.close()


async def read_status(reader: asyncio.StreamReader) -> int:
    """Read a whole answer, and return its status."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if length := int(head.partition(b"content-length:")[2].split(b"\r\n")[0] or 0):
        await reader.readexactly(length)
    return int(head[9:12])
