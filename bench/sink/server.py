"""The outside world of a bench: one process that notes every request before it answers. It is never
killed.

The path picks the manner: /ok/..., /slow-1000/... (milliseconds), /status-503/...,
/window-50-60/... (50 in 60 s, then 429), /hang/... Under /-/ it talks to the bench: count, ledger,
clear.
"""

import asyncio
import gc
import signal
import time
from collections import defaultdict, deque
from collections.abc import Callable

ANSWER = b"HTTP/1.1 %d %s\r\nContent-Length: %d\r\n%s\r\n%s"
Answer = tuple[bytes | None, float]  # what is sent, and after how many seconds; None: never
OK = ANSWER % (200, b"OK", 3, b"", b"ok\n")


class World:
    """What all peers share: the ledger, and what went through each window."""

    def __init__(self, clock: Callable[[], int] = time.monotonic_ns) -> None:
        self.clock = clock
        self.clear()

    def clear(self) -> None:
        self.ledger = bytearray()
        self.count = 0
        self.windows: defaultdict[bytes, deque[int]] = defaultdict(deque)

    def note(self, id: bytes, path: bytes, port: int) -> None:
        self.ledger += b"%d %b %d %b\n" % (self.clock(), id or b"-", port, path)
        self.count += 1

    def answer(self, path: bytes, id: bytes, port: int = 0) -> Answer:
        """The bytes of the answer and after how many seconds they go; None: never."""
        manner, *numbers = path[1:].partition(b"/")[0].split(b"-")
        if manner == b"":
            return self.answer_control(path), 0
        self.note(id, path, port)
        if manner == b"ok":
            return OK, 0
        return MANNERS[manner](self, path, *map(int, numbers))

    def answer_control(self, path: bytes) -> bytes:
        response = {b"/-/count": b"%d" % self.count, b"/-/ledger": bytes(self.ledger)}.get(
            path, b""
        )
        if path == b"/-/clear":
            self.clear()
        return ANSWER % (200, b"OK", len(response), b"", response)

    def slow(self, path: bytes, milliseconds: int) -> Answer:
        return OK, milliseconds / 1000

    def status(self, path: bytes, code: int) -> Answer:
        return ANSWER % (code, b"Told", 0, b"", b""), 0

    def window(self, path: bytes, limit: int, seconds: int) -> Answer:
        now, passed = self.clock(), self.windows[path]
        while passed and passed[0] <= now - seconds * 1_000_000_000:
            passed.popleft()
        if len(passed) >= limit:
            return ANSWER % (429, b"Slow down", 0, b"Retry-After: 1\r\n", b""), 0
        passed.append(now)
        return OK, 0

    def hang(self, path: bytes) -> Answer:
        return None, 0


MANNERS: dict[bytes, Callable[..., Answer]] = {
    b"slow": World.slow,
    b"status": World.status,
    b"window": World.window,
    b"hang": World.hang,
}


class Peer(asyncio.Protocol):
    """Just enough HTTP/1.1: a head, a body by Content-Length, the next."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.port = transport.get_extra_info("peername")[1]

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end].lower()
            size = int(header(head, b"\r\ncontent-length:") or 0)
            if len(self.buffer) < end + 4 + size:
                return
            self.buffer = self.buffer[end + 4 + size :]
            answer, after = self.world.answer(
                head.split(b" ", 2)[1], header(head, b"\r\nwebhook-id:"), self.port
            )
            if answer is None:
                continue
            if after:
                asyncio.get_running_loop().call_later(after, self.transport.write, answer)
            else:
                self.transport.write(answer)


def header(head: bytes, name: bytes) -> bytes:
    at = head.find(name)
    return head[at + len(name) :].split(b"\r\n", 1)[0].strip() if at >= 0 else b""


async def serve() -> None:
    world, stop_event, loop = World(), asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop_event.set)
    server = await loop.create_server(lambda: Peer(world), "127.0.0.1", 0, backlog=4096)
    gc.disable()  # nothing here makes circles
    print(server.sockets[0].getsockname()[1], flush=True)
    await stop_event.wait()


if __name__ == "__main__":
    asyncio.run(serve())
