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

from connectors.http import Request, Response
from hub.egress.addresses import parse_literal_address
from hub.egress.deadline_socket import DeadlineSocket
from hub.egress.errors import EgressError, RequestNotSent, ResponseNotReceived
from hub.egress.messages import build_response, outgoing_headers
from hub.egress.resolver import LOOKUP_TIMEOUT, Lookup, resolve_host, system_lookup
from hub.egress.tls import verified_context
from hub.egress.url_guard import EgressRules, ParsedUrl, check_url, parse_with_urllib3

TIMEOUT = 20.0  # seconds, from the call to the last byte that is read

# They write the path of every request at DEBUG, and whole addresses in warnings (of an answer whose headers are broken,
# say): with some systems those are secrets. A filter of their parent would not hear them.
for name in ("connection", "connectionpool", "response", "util.retry", "poolmanager"):
    logging.getLogger(f"urllib3.{name}").addFilter(lambda record: False)


class GuardedConnection(HTTPConnection):
    """Connects by its line only: the name is not looked up again."""

    def __init__(self, *args: Any, deadline_socket: DeadlineSocket, **options: Any) -> None:
        super().__init__(*args, **options)
        self.deadline_socket = deadline_socket

    def _new_conn(self) -> Any:
        return self.deadline_socket.connect_socket()

    def connect(self) -> None:
        super().connect()
        self.deadline_socket.is_connected = True


class GuardedTlsConnection(GuardedConnection, HTTPSConnection):
    pass


class GuardedPool(urllib3.HTTPConnectionPool):
    ConnectionCls = GuardedConnection


class GuardedTlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = GuardedTlsConnection


class SingleCallAdapter(HTTPAdapter):
    """One call. There is no session around it: that would keep cookies, ask the environment and follow redirects."""

    def __init__(
        self, parsed_url: ParsedUrl, deadline_socket: DeadlineSocket, tls: ssl.SSLContext
    ) -> None:
        super().__init__(max_retries=0)
        if parsed_url.scheme == "https":
            self.pool: urllib3.HTTPConnectionPool = GuardedTlsPool(
                parsed_url.host, parsed_url.port, ssl_context=tls, deadline_socket=deadline_socket
            )
        else:
            self.pool = GuardedPool(
                parsed_url.host, parsed_url.port, deadline_socket=deadline_socket
            )

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> Any:
        return self.pool

    def cert_verify(self, *args: Any, **options: Any) -> None:
        """The context verifies; requests would load its own authorities into it."""

    def close(self) -> None:
        self.pool.close()
        super().close()


def send_guarded(
    request: Request,
    *,
    rules: EgressRules,
    clock: Callable[[], datetime],
    timeout: float = TIMEOUT,
    lookup: Lookup = system_lookup,
    tls: ssl.SSLContext | None = None,
) -> Response:
    """Raises Unsent (Refused among them), Unanswered."""
    deadline = time.monotonic() + timeout
    headers = outgoing_headers(request)
    parsed_url = check_url(request.url, rules, parse_with_urllib3)
    addresses = _resolve_addresses(parsed_url, rules, lookup, min(LOOKUP_TIMEOUT, timeout / 4))
    with DeadlineSocket(
        parsed_url.host, parsed_url.port, addresses, deadline=deadline
    ) as deadline_socket:
        adapter = SingleCallAdapter(parsed_url, deadline_socket, tls or verified_context())
        try:
            response = _exchange_messages(
                adapter, request, headers, deadline_socket.seconds_left(), clock
            )
            if not deadline_socket.is_expired:
                return response
            failure: EgressError = ResponseNotReceived(
                "timed_out", deadline_socket.host
            )  # a cut body may look like one that ended
        except (
            requests.RequestException,
            urllib3.exceptions.HTTPError,
            HTTPException,
            OSError,
            ValueError,
        ) as error:
            failure = _translate_error(error, deadline_socket)
        finally:
            adapter.close()
    raise failure  # here, so that the client's error with its address is not chained


def _resolve_addresses(
    parsed_url: ParsedUrl, rules: EgressRules, lookup: Lookup, lookup_timeout: float
) -> tuple[str, ...]:
    if parse_literal_address(parsed_url.host) is not None:
        return (parsed_url.host,)
    return resolve_host(
        parsed_url.host, parsed_url.port, rules, lookup=lookup, timeout=lookup_timeout
    )


def _exchange_messages(
    adapter: SingleCallAdapter,
    request: Request,
    headers: dict[str, str],
    timeout: float,
    clock: Callable[[], datetime],
) -> Response:
    prepared = requests.Request(
        request.method, request.url, headers=headers, data=request.content()
    ).prepare()
    client_response = adapter.send(prepared, stream=True, timeout=timeout)
    try:
        body, is_cut = read_bounded(client_response.raw, request.keep)
        host = adapter.pool.host
        return build_response(
            client_response.status_code,
            body,
            _decode_headers(client_response.raw),
            received_at=clock(),
            is_cut=is_cut,
            host=host,
        )
    finally:
        client_response.raw.close()  # never used again


def read_bounded(raw: urllib3.BaseHTTPResponse, keep: int) -> tuple[bytes, bool]:
    """At most `keep` bytes as they were sent, and whether there were more; the read after the last misses the rest."""
    body = bytearray()
    while len(body) <= keep and (chunk := raw.read(keep + 1 - len(body), decode_content=False)):
        body += chunk
    return bytes(body[:keep]), len(body) > keep


def _decode_headers(raw: urllib3.BaseHTTPResponse) -> Iterator[tuple[str, str]]:
    """http.client reads headers as Latin-1, whatever they are."""
    return (
        (name, value.encode("latin-1", "replace").decode("utf-8", "replace"))
        for name, value in raw.headers.items()
    )


def _translate_error(error: Exception, deadline_socket: DeadlineSocket) -> EgressError:
    if not deadline_socket.is_connected:
        is_tls_error = (
            isinstance(error, requests.exceptions.SSLError) and not deadline_socket.is_expired
        )
        return RequestNotSent(
            "tls_failed" if is_tls_error else "connect_failed", deadline_socket.host
        )
    if deadline_socket.is_expired or isinstance(
        error, (requests.Timeout, urllib3.exceptions.ReadTimeoutError)
    ):
        return ResponseNotReceived("timed_out", deadline_socket.host)
    return ResponseNotReceived(
        "bad_answer" if _is_not_http(error) else "connection_lost", deadline_socket.host
    )


def _is_not_http(error: BaseException | None) -> bool:
    """Whether the other side said something that is not HTTP, rather than nothing."""
    while error is not None:
        if isinstance(
            error, (HTTPException, ValueError)
        ):  # http.client lets a ValueError through for a bad chunk
            return not isinstance(error, (RemoteDisconnected, IncompleteRead))
        error = error.__context__
    return False
