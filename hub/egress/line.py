"""One connection of the blocking way out: dialled to a checked address, and cut at the deadline."""

import socket
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType

from hub.egress.addresses import literal
from hub.egress.errors import Refused, Unsent


class Line:
    """requests has no deadline for a whole call, so a second handle on the socket shuts it down.

    `open` says that the other side was reached, TLS included: from then on something may have arrived.
    """

    def __init__(self, host: str, port: int, addresses: Sequence[str], *, until: float) -> None:
        self.host = host
        self.port = port
        self.addresses = addresses
        self.until = until  # on the monotonic clock
        self.open = False
        self.expired = False
        self.handle: socket.socket | None = None
        self.lock = threading.Lock()
        self.watchdog = threading.Timer(self.left(), self.cut)
        self.watchdog.daemon = True

    def left(self) -> float:
        return max(self.until - time.monotonic(), 0.001)

    def __enter__(self) -> "Line":
        self.watchdog.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.watchdog.cancel()
        with self.lock:
            if self.handle is not None:
                self.handle.close()
                self.handle = None

    def cut(self) -> None:
        with self.lock:  # or the handle's number might be somebody else's by now
            self.expired = True
            if self.handle is not None:
                with suppress(OSError):
                    self.handle.shutdown(socket.SHUT_RDWR)

    def dial(self) -> socket.socket:
        """Raises Unsent."""
        for tried, address in enumerate(self.addresses):
            share = self.left() / (len(self.addresses) - tried)
            with suppress(OSError):
                return self.held(socket.create_connection((address, self.port), share), address)
        raise Unsent("connect_failed", self.host)

    def held(self, dialled: socket.socket, address: str) -> socket.socket:
        try:
            if literal(dialled.getpeername()[0]) != literal(address):
                raise Refused("denied_address", self.host)
            dialled.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                if self.expired:
                    raise Unsent("connect_failed", self.host)
                self.handle = dialled.dup()
        except BaseException:
            dialled.close()
            raise
        return dialled
