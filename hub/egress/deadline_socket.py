"""A connection of the blocking client to a checked address, shut down at its deadline."""

import socket
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType

from hub.egress.addresses import parse_literal_address
from hub.egress.errors import EgressRefused, RequestNotSent


class DeadlineSocket:
    """A socket with a deadline for the whole call, which the library requests does not offer.

    A timer shuts the socket down through a duplicated handle. `is_connected`: the connection
    including TLS is established; from then on the request may have arrived.
    """

    def __init__(self, host: str, port: int, addresses: Sequence[str], *, deadline: float) -> None:
        self.host = host
        self.port = port
        self.addresses = addresses
        self.deadline = deadline  # on the monotonic clock
        self.is_connected = False
        self.is_expired = False
        self.handle: socket.socket | None = None
        self.lock = threading.Lock()
        self.watchdog = threading.Timer(self.seconds_left(), self.shut_down)
        self.watchdog.daemon = True

    def seconds_left(self) -> float:
        return max(self.deadline - time.monotonic(), 0.001)

    def __enter__(self) -> "DeadlineSocket":
        self.watchdog.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.watchdog.cancel()
        with self.lock:
            if self.handle is not None:
                self.handle.close()
                self.handle = None

    def shut_down(self) -> None:
        with self.lock:  # or another socket may have the handle's number by now
            self.is_expired = True
            if self.handle is not None:
                with suppress(OSError):
                    self.handle.shutdown(socket.SHUT_RDWR)

    def connect_socket(self) -> socket.socket:
        """Connect to the first address that accepts a connection.

        Raises RequestNotSent if none does in time, and EgressRefused if the peer has another
        address.
        """
        for tried_count, address in enumerate(self.addresses):
            seconds = self.seconds_left() / (len(self.addresses) - tried_count)
            with suppress(OSError):
                return self.check_and_guard_socket(
                    socket.create_connection((address, self.port), seconds), address
                )
        raise RequestNotSent("connect_failed", self.host)

    def check_and_guard_socket(
        self, connected_socket: socket.socket, address: str
    ) -> socket.socket:
        """Return the socket, and start to watch its deadline.

        Closes it and raises EgressRefused if its peer has another address, or RequestNotSent if the
        deadline has passed.
        """
        try:
            if parse_literal_address(connected_socket.getpeername()[0]) != parse_literal_address(
                address
            ):
                raise EgressRefused("denied_address", self.host)
            connected_socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                if self.is_expired:
                    raise RequestNotSent("connect_failed", self.host)
                self.handle = connected_socket.dup()
        except BaseException:
            connected_socket.close()
            raise
        return connected_socket
