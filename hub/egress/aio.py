"""The async way out, for deliveries: aiohttp, with every name, address and byte of it under our rules."""

import asyncio
import functools
import io
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from connectors.wire import KIBIBYTE, Request, Response
from hub.egress.errors import EgressError, Unanswered, Unsent
from hub.egress.guard import Reading, Rules, by_yarl, check_url
from hub.egress.interim import Connector
from hub.egress.messages import answered, outgoing
from hub.egress.resolve import WITHIN, Lookup, resolve_async, system_lookup
from hub.egress.tls import verified
from hub.failpoints import ACTIVE, failpoint

TIMEOUT = 20.0  # seconds, from the call to the last byte that is read
SOCKETS = 200
NAMES_KEPT = 30  # seconds
IDLE = 1.5  # seconds; less than what servers wait (gunicorn 2, Node 5) before they close under our next request
URLS_KEPT = 4096
JUST_SENT = 0.002  # seconds after aiohttp says that it is about to write
RECEIVES = 8 * KIBIBYTE  # at a time by one socket; what hostile endpoints send all at once is as much for each
LARGE = 1024 * KIBIBYTE  # aiohttp warns of larger bodies in one piece

FAILURES: tuple[tuple[type[Exception], type[EgressError], str], ...] = (  # the first that fits
    (aiohttp.ClientSSLError, Unsent, "tls_failed"),
    (aiohttp.ClientConnectorError, Unsent, "connect_failed"),
    (aiohttp.ConnectionTimeoutError, Unsent, "connect_failed"),
    (TimeoutError, Unanswered, "timed_out"),
    (aiohttp.ClientConnectionError, Unanswered, "connection_lost"),
    (aiohttp.ClientPayloadError, Unanswered, "connection_lost"),
    (aiohttp.ClientError, Unanswered, "bad_answer"),
)


class Gate(AbstractResolver):
    """What aiohttp asks for addresses and sockets. It asks no name of a literal address, so the socket is checked."""

    def __init__(self, rules: Rules, lookup: Lookup, within: float) -> None:
        self.rules = rules
        self.lookup = lookup
        self.within = within
        self.vouched: set[tuple[str, int]] = set()  # behind the names of the allow list

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        addresses = await resolve_async(host, port, self.rules, lookup=self.lookup, within=self.within)
        if self.rules.allows(host, port):
            self.vouched.update((address, port) for address in addresses)
        return [self._result(host, address, port) for address in addresses]

    @staticmethod
    def _result(host: str, address: str, port: int) -> ResolveResult:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        return ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=flags)

    def open_socket(self, info: aiohttp.AddrInfoType) -> socket.socket:
        """The socket for one address: the last look before connecting, whoever chose the address."""
        family, kind, protocol, _, peer = info
        address, port = str(peer[0]), int(peer[1])
        if self.rules.denies(address) and not self.rules.allows(address, port) and (address, port) not in self.vouched:
            raise PermissionError("egress_refused")
        opened = socket.socket(family, kind, protocol)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVES)
        return opened

    async def close(self) -> None:
        pass


class Outlet:
    """Sends requests; hundreds may be on their way at the same time. Raises Unsent (Refused among them), Unanswered."""

    def __init__(self, session: aiohttp.ClientSession, rules: Rules, clock: Callable[[], datetime]) -> None:
        self.session = session
        self.clock = clock
        self.checked = functools.lru_cache(URLS_KEPT)(lambda url: check_url(url, rules, by_yarl))

    async def __call__(self, request: Request) -> Response:
        headers = outgoing(request)
        reading: Reading = self.checked(request.url)
        try:
            async with self.session.request(
                request.method, reading.parsed, headers=headers, data=payload(request), allow_redirects=False
            ) as answer:
                body, cut = await read_bounded(answer, request.keep)
                return answered(
                    answer.status, body, answer.headers.items(), at=self.clock(), cut=cut, host=reading.host
                )
        except (aiohttp.ClientError, OSError) as error:
            failed: Exception = error
        raise translated(failed, reading.host)  # here, so that the client's error with its address is not chained


def payload(request: Request) -> bytes | io.BytesIO | None:
    content = request.content()
    return io.BytesIO(content) if len(content) > LARGE else content or None


async def read_bounded(answer: aiohttp.ClientResponse, keep: int) -> tuple[bytes, bool]:
    """At most `keep` bytes as they were sent, and whether there were more; then the connection is not used again."""
    body = bytearray()
    while len(body) <= keep and (piece := await answer.content.read(keep + 1 - len(body))):
        body += piece
    cut = len(body) > keep
    if cut:
        answer.close()
    return bytes(body[:keep]), cut


def translated(error: Exception, host: str) -> EgressError:
    return next(
        (kind(reason, host) for theirs, kind, reason in FAILURES if isinstance(error, theirs)),
        Unanswered("connection_lost", host),
    )


def traces() -> list[aiohttp.TraceConfig]:
    """Where a test may break a call."""
    trace = aiohttp.TraceConfig()

    async def connected(*about: object) -> None:
        failpoint("O3")  # after connecting

    async def sent(*about: object) -> None:
        asyncio.get_running_loop().call_later(JUST_SENT, failpoint, "O4")  # after the request's bytes were sent

    trace.on_connection_create_end.append(connected)
    trace.on_connection_reuseconn.append(connected)
    trace.on_request_chunk_sent.append(sent)
    return [trace]


@asynccontextmanager
async def outlet(
    rules: Rules,
    *,
    clock: Callable[[], datetime],
    limit: int = SOCKETS,
    timeout: float = TIMEOUT,
    lookup: Lookup = system_lookup,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Outlet]:
    """`clock` is called in the loop: one that asks no database. Connecting has half the time, so that a time-out later
    than that means: sent, not answered."""
    gate = Gate(rules, lookup, min(WITHIN, timeout / 4))
    connector = Connector(
        resolver=gate,
        socket_factory=gate.open_socket,
        ssl=tls or verified(),
        limit=limit,
        ttl_dns_cache=NAMES_KEPT,
        keepalive_timeout=IDLE,
    )
    async with aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=timeout, connect=timeout / 2),
        auto_decompress=False,
        skip_auto_headers=("Content-Type",),
        read_bufsize=16 * KIBIBYTE,
        trace_configs=traces() if ACTIVE else None,
    ) as session:
        yield Outlet(session, rules, clock)
