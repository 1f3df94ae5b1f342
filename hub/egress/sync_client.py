"""The blocking client, for everything but deliveries: requests, with a deadline."""

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
from hub.egress.messages import build_request_headers, build_response
from hub.egress.resolver import LOOKUP_TIMEOUT, Lookup, resolve_host, system_lookup
from hub.egress.tls import build_verified_context
from hub.egress.url_guard import EgressRules, ParsedUrl, check_url, parse_with_urllib3

# errors of the client's libraries; http.client raises ValueError for an invalid chunk
CLIENT_ERRORS = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    HTTPException,
    OSError,
    ValueError,
)
TIMEOUT = 20.0  # seconds, from the call to the last byte that is read

# These loggers write the path of every request at DEBUG, and whole URLs in warnings of broken
# headers; both contain secrets of some systems. A filter of the parent logger would not see their
# records.
for name in ("connection", "connectionpool", "response", "util.retry", "poolmanager"):
    logging.getLogger(f"urllib3.{name}").addFilter(lambda record: False)


class GuardedConnection(HTTPConnection):
    """A connection through a DeadlineSocket: the name is not resolved again."""

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
    """An adapter of requests for one call.

    It has no session, which would store cookies, read the environment and follow redirects.
    """

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
        """Do nothing: the TLS context verifies; requests would add its own authorities."""

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
    """Send a request and return its response, within `timeout` seconds.

    Raises EgressRefused and RequestNotSent if nothing was sent, and ResponseNotReceived if the
    request may have arrived.
    """
    deadline = time.monotonic() + timeout
    headers = build_request_headers(request)
    parsed_url = check_url(request.url, rules, parse_with_urllib3)
    addresses = _resolve_addresses(parsed_url, rules, lookup, min(LOOKUP_TIMEOUT, timeout / 4))
    with DeadlineSocket(
        parsed_url.host, parsed_url.port, addresses, deadline=deadline
    ) as deadline_socket:
        adapter = SingleCallAdapter(parsed_url, deadline_socket, tls or build_verified_context())
        try:
            left = deadline_socket.seconds_left()
            response = _exchange_messages(adapter, request, headers, left, clock)
            if not deadline_socket.is_expired:
                return response
            # a body that was cut at the deadline may look complete
            failure: EgressError = ResponseNotReceived("timed_out", deadline_socket.host)
        except CLIENT_ERRORS as error:
            failure = _translate_error(error, deadline_socket)
        finally:
            adapter.close()
    # outside the block, so that the client's error, which contains the URL, is not chained
    raise failure


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
        body, is_truncated = read_bounded(client_response.raw, request.response_bytes_max)
        host = adapter.pool.host
        return build_response(
            client_response.status_code,
            body,
            _decode_headers(client_response.raw),
            received_at=clock(),
            is_truncated=is_truncated,
            host=host,
        )
    finally:
        client_response.raw.close()  # never used again


def read_bounded(raw: urllib3.BaseHTTPResponse, keep: int) -> tuple[bytes, bool]:
    """Return at most `keep` bytes as they were sent, and whether the body was cut."""
    body = bytearray()
    while len(body) <= keep and (chunk := raw.read(keep + 1 - len(body), decode_content=False)):
        body += chunk
    return bytes(body[:keep]), len(body) > keep


def _decode_headers(raw: urllib3.BaseHTTPResponse) -> Iterator[tuple[str, str]]:
    """Decode header values as UTF-8: http.client decodes them as Latin-1."""
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
    """Return whether the response was not HTTP; False if the connection was lost."""
    while error is not None:
        # http.client raises ValueError for an invalid chunk
        if isinstance(error, (HTTPException, ValueError)):
            return not isinstance(error, (RemoteDisconnected, IncompleteRead))
        error = error.__context__
    return False
