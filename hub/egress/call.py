"""The blocking way out, for everything but deliveries: requests, on a connection that we dial and cut ourselves."""

import logging
import ssl
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from http.client import HTTPException, IncompleteRead, RemoteDisconnected
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

from connectors.wire import Request, Response
from hub.egress.addresses import literal
from hub.egress.errors import EgressError, Unanswered, Unsent
from hub.egress.guard import Reading, Rules, by_urllib3, check_url
from hub.egress.line import Line
from hub.egress.messages import answered, outgoing
from hub.egress.resolve import WITHIN, Lookup, resolve, system_lookup
from hub.egress.tls import verified

TIMEOUT = 20.0  # seconds, from the call to the last byte that is read

# They write the path of every request at DEBUG, and whole addresses in warnings (of an answer whose headers are broken,
# say): with some systems those are secrets. A filter of their parent would not hear them.
for name in ("connection", "connectionpool", "response", "util.retry", "poolmanager"):
    logging.getLogger(f"urllib3.{name}").addFilter(lambda record: False)


class Dialled(HTTPConnection):
    """Connects by its line only: the name is not looked up again."""

    def __init__(self, *args: Any, line: Line, **options: Any) -> None:
        super().__init__(*args, **options)
        self.line = line

    def _new_conn(self) -> Any:
        return self.line.dial()

    def connect(self) -> None:
        super().connect()
        self.line.open = True


class DialledTls(Dialled, HTTPSConnection):
    pass


class Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = Dialled


class TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = DialledTls


class Adapter(HTTPAdapter):
    """One call. There is no session around it: that would keep cookies, ask the environment and follow redirects."""

    def __init__(self, reading: Reading, line: Line, tls: ssl.SSLContext) -> None:
        super().__init__(max_retries=0)
        if reading.scheme == "https":
            self.pool: urllib3.HTTPConnectionPool = TlsPool(reading.host, reading.port, ssl_context=tls, line=line)
        else:
            self.pool = Pool(reading.host, reading.port, line=line)

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> Any:
        return self.pool

    def cert_verify(self, *args: Any, **options: Any) -> None:
        """The context verifies; requests would load its own authorities into it."""

    def close(self) -> None:
        self.pool.close()
        super().close()


def call(
    request: Request,
    *,
    rules: Rules,
    clock: Callable[[], datetime],
    timeout: float = TIMEOUT,
    lookup: Lookup = system_lookup,
    tls: ssl.SSLContext | None = None,
) -> Response:
    """Raises Unsent (Refused among them), Unanswered."""
    until = time.monotonic() + timeout
    headers = outgoing(request)
    reading = check_url(request.url, rules, by_urllib3)
    addresses = addresses_of(reading, rules, lookup, min(WITHIN, timeout / 4))
    with Line(reading.host, reading.port, addresses, until=until) as line:
        adapter = Adapter(reading, line, tls or verified())
        try:
            response = exchange(adapter, request, headers, line.left(), clock)
            if not line.expired:
                return response
            failed: EgressError = Unanswered("timed_out", line.host)  # a cut body may look like one that ended
        except (requests.RequestException, urllib3.exceptions.HTTPError, HTTPException, OSError, ValueError) as error:
            failed = translated(error, line)
        finally:
            adapter.close()
    raise failed  # here, so that the client's error with its address is not chained


def addresses_of(reading: Reading, rules: Rules, lookup: Lookup, within: float) -> tuple[str, ...]:
    if literal(reading.host) is not None:
        return (reading.host,)
    return resolve(reading.host, reading.port, rules, lookup=lookup, within=within)


def exchange(
    adapter: Adapter, request: Request, headers: dict[str, str], timeout: float, clock: Callable[[], datetime]
) -> Response:
    prepared = requests.Request(request.method, request.url, headers=headers, data=request.content()).prepare()
    answer = adapter.send(prepared, stream=True, timeout=timeout)
    try:
        body, cut = read_bounded(answer.raw, request.keep)
        host = adapter.pool.host
        return answered(answer.status_code, body, as_text(answer.raw), at=clock(), cut=cut, host=host)
    finally:
        answer.raw.close()  # never used again


def read_bounded(raw: urllib3.BaseHTTPResponse, keep: int) -> tuple[bytes, bool]:
    """At most `keep` bytes as they were sent, and whether there were more; the read after the last misses the rest."""
    body = bytearray()
    while len(body) <= keep and (piece := raw.read(keep + 1 - len(body), decode_content=False)):
        body += piece
    return bytes(body[:keep]), len(body) > keep


def as_text(raw: urllib3.BaseHTTPResponse) -> Iterator[tuple[str, str]]:
    """http.client reads headers as Latin-1, whatever they are."""
    return (
        (name, value.encode("latin-1", "replace").decode("utf-8", "replace")) for name, value in raw.headers.items()
    )


def translated(error: Exception, line: Line) -> EgressError:
    if not line.open:
        spoken = isinstance(error, requests.exceptions.SSLError) and not line.expired
        return Unsent("tls_failed" if spoken else "connect_failed", line.host)
    if line.expired or isinstance(error, (requests.Timeout, urllib3.exceptions.ReadTimeoutError)):
        return Unanswered("timed_out", line.host)
    return Unanswered("bad_answer" if unintelligible(error) else "connection_lost", line.host)


def unintelligible(error: BaseException | None) -> bool:
    """Whether the other side said something that is not HTTP, rather than nothing."""
    while error is not None:
        if isinstance(error, (HTTPException, ValueError)):  # http.client lets a ValueError through for a bad chunk
            return not isinstance(error, (RemoteDisconnected, IncompleteRead))
        error = error.__context__
    return False
