"""The async client, for deliveries: aiohttp, with guarded names, addresses and sizes."""

import asyncio
import functools
import io
import math
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http import HttpProcessingError

from connectors.http import KIBIBYTE, Request, Response
from hub.egress.errors import EgressError, RequestNotSent, RequestWithdrawn, ResponseNotReceived
from hub.egress.messages import build_request_headers, build_response
from hub.egress.resolver import LOOKUP_TIMEOUT, Lookup, resolve_host_async, system_lookup
from hub.egress.send_condition import may_send
from hub.egress.tls import build_verified_context
from hub.egress.url_guard import EgressRules, ParsedUrl, check_url, parse_with_yarl
from hub.processes.failpoints import ACTIVE_PLANS, failpoint

TIMEOUT = 20.0  # seconds, from the call to the last byte that is read
MAX_SOCKETS = 200
DNS_CACHE_SECONDS = 30
# less than the time after which servers close an idle connection (gunicorn 2 s, Node 5 s)
KEEPALIVE_SECONDS = 1.5
URL_CACHE_SIZE = 4096
SENT_DELAY_SECONDS = 0.002  # seconds after aiohttp reports that it is about to write
# of each socket, so that hostile endpoints that send all at once cannot fill the memory
RECEIVE_BUFFER = 8 * KIBIBYTE
LARGE_BODY = 1024 * KIBIBYTE  # aiohttp warns of larger bodies in one piece

FAILURES: tuple[tuple[type[Exception], type[EgressError], str], ...] = (  # the first that fits
    (aiohttp.ClientSSLError, RequestNotSent, "tls_failed"),
    (aiohttp.ClientConnectorError, RequestNotSent, "connect_failed"),
    (aiohttp.ConnectionTimeoutError, RequestNotSent, "connect_failed"),
    (TimeoutError, ResponseNotReceived, "timed_out"),
    (aiohttp.ClientConnectionError, ResponseNotReceived, "connection_lost"),
    (aiohttp.ClientPayloadError, ResponseNotReceived, "connection_lost"),
    (aiohttp.ClientError, ResponseNotReceived, "bad_answer"),
)
MAX_INTERIM_RESPONSES = 20


class GuardedResolver(AbstractResolver):
    """The resolver and socket factory of aiohttp, which check every address.

    aiohttp does not resolve a literal address, so `open_socket` checks it.
    """

    def __init__(self, rules: EgressRules, lookup: Lookup, lookup_timeout: float) -> None:
        self.rules = rules
        self.lookup = lookup
        self.lookup_timeout = lookup_timeout
        self.allowed_addresses: set[tuple[str, int]] = set()  # behind the names of the allow list

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        addresses = await resolve_host_async(
            host, port, self.rules, lookup=self.lookup, timeout=self.lookup_timeout
        )
        if self.rules.allows(host, port):
            self.allowed_addresses.update((address, port) for address in addresses)
        return [self._build_result(host, address, port) for address in addresses]

    @staticmethod
    def _build_result(host: str, address: str, port: int) -> ResolveResult:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        return ResolveResult(
            hostname=host, host=address, port=port, family=family, proto=0, flags=flags
        )

    def open_socket(self, info: aiohttp.AddrInfoType) -> socket.socket:
        """Open a socket for an address after the last check. Raises PermissionError."""
        family, socket_type, protocol, _, peer = info
        address, port = str(peer[0]), int(peer[1])
        if (
            self.rules.denies(address)
            and not self.rules.allows(address, port)
            and (address, port) not in self.allowed_addresses
        ):
            raise PermissionError("egress_refused")
        new_socket = socket.socket(family, socket_type, protocol)
        new_socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        return new_socket

    async def close(self) -> None:
        pass


class AsyncClient:
    """Sends requests, hundreds of them concurrently.

    A call raises EgressRefused and RequestNotSent if nothing was sent, and ResponseNotReceived if
    the request may have arrived.
    """

    def __init__(
        self, session: aiohttp.ClientSession, rules: EgressRules, clock: Callable[[], datetime]
    ) -> None:
        self.session = session
        self.clock = clock
        self.check_cached = functools.lru_cache(URL_CACHE_SIZE)(
            lambda url: check_url(url, rules, parse_with_yarl)
        )

    async def __call__(self, request: Request) -> Response:
        headers = build_request_headers(request)
        parsed_url: ParsedUrl = self.check_cached(request.url)
        try:
            async with self.session.request(
                request.method,
                parsed_url.client_url,
                headers=headers,
                data=_request_payload(request),
                allow_redirects=False,
            ) as client_response:
                body, is_truncated = await _read_bounded_async(
                    client_response, request.response_bytes_max
                )
                return build_response(
                    client_response.status,
                    body,
                    client_response.headers.items(),
                    received_at=self.clock(),
                    is_truncated=is_truncated,
                    host=parsed_url.host,
                )
        except (aiohttp.ClientError, OSError) as error:
            failure: Exception = error
        # outside the block, so that the client's error, which contains the URL, is not chained
        raise _translate_client_error(failure, parsed_url.host)


def _request_payload(request: Request) -> bytes | io.BytesIO | None:
    content = request.content()
    return io.BytesIO(content) if len(content) > LARGE_BODY else content or None


async def _read_bounded_async(
    client_response: aiohttp.ClientResponse, keep: int
) -> tuple[bytes, bool]:
    """Return at most `keep` bytes as they were sent, and whether the body was cut.

    A connection whose body was cut is closed, not reused.
    """
    body = bytearray()
    while len(body) <= keep and (chunk := await client_response.content.read(keep + 1 - len(body))):
        body += chunk
    is_truncated = len(body) > keep
    if is_truncated:
        client_response.close()
    return bytes(body[:keep]), is_truncated


def _translate_client_error(error: Exception, host: str) -> EgressError:
    return next(
        (
            error_type(reason, host)
            for client_error, error_type, reason in FAILURES
            if isinstance(error, client_error)
        ),
        ResponseNotReceived("connection_lost", host),
    )


def _build_failpoint_traces() -> list[aiohttp.TraceConfig]:
    """Build the traces by which a test makes a call fail at a fail point."""
    trace = aiohttp.TraceConfig()

    async def fail_after_connect(*details: object) -> None:
        failpoint("O3")  # after connecting

    async def fail_after_send(*details: object) -> None:
        # after the request's bytes were sent
        asyncio.get_running_loop().call_later(SENT_DELAY_SECONDS, failpoint, "O4")

    trace.on_connection_create_end.append(fail_after_connect)
    trace.on_connection_reuseconn.append(fail_after_connect)
    trace.on_request_chunk_sent.append(fail_after_send)
    return [trace]


@asynccontextmanager
async def open_async_client(
    rules: EgressRules,
    *,
    clock: Callable[[], datetime],
    limit: int = MAX_SOCKETS,
    timeout: float = TIMEOUT,
    lookup: Lookup = system_lookup,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[AsyncClient]:
    """Open an async client; `timeout` limits one call, in seconds.

    `clock` runs in the event loop, so it must not query a database. Connecting may take half of
    `timeout`, so a later time-out means that the request was sent.
    """
    resolver = GuardedResolver(rules, lookup, min(LOOKUP_TIMEOUT, timeout / 4))
    connector = LimitedConnector(
        resolver=resolver,
        socket_factory=resolver.open_socket,
        ssl=tls or build_verified_context(),
        limit=limit,
        ttl_dns_cache=DNS_CACHE_SECONDS,
        keepalive_timeout=KEEPALIVE_SECONDS,
    )
    async with aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        # aiohttp rounds deadlines beyond the threshold up to a whole second
        timeout=aiohttp.ClientTimeout(total=timeout, connect=timeout / 2, ceil_threshold=math.inf),
        auto_decompress=False,
        skip_auto_headers=("Content-Type",),
        read_bufsize=16 * KIBIBYTE,
        trace_configs=_build_failpoint_traces() if ACTIVE_PLANS else None,
    ) as session:
        yield AsyncClient(session, rules, clock)


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
