"""The connector of aiohttp: it asks before a request is written, and limits interim responses."""

import functools
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http import HttpProcessingError

from hub.egress.errors import RequestWithdrawn
from hub.egress.send_condition import may_send

MAX_INTERIM_RESPONSES = 20


class InterimLimitHandler(ResponseHandler):
    """Abort the connection after MAX_INTERIM_RESPONSES consecutive 1xx responses.

    aiohttp 3.14 would read on without yielding to other calls (2026-11).
    """

    interim_count = 0

    def feed_data(self, data: Any, size: int = 0) -> None:
        message, _ = data
        self.interim_count = self.interim_count + 1 if 100 <= message.code < 200 else 0
        if self.interim_count <= MAX_INTERIM_RESPONSES:
            super().feed_data(data, size)
        elif self.transport is not None:
            self.transport.abort()
            self.set_exception(HttpProcessingError(message="too many interim responses"))


class LimitedConnector(aiohttp.TCPConnector):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._factory = functools.partial(  # type: ignore[assignment]  # as aiohttp's own
            InterimLimitHandler, loop=self._loop
        )

    async def connect(self, *details: Any, **options: Any) -> Connection:
        """Return a connection on which the request is written next. Raises RequestWithdrawn."""
        connection = await super().connect(*details, **options)
        if not may_send.get()():
            connection.release()
            raise RequestWithdrawn
        return connection
