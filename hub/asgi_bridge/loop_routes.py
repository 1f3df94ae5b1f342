"""Requests that the event loop answers itself: no thread, no WSGI environment, no Django request.

A route takes the usual requests of an address that programs call very often. It declines whatever
is not usual, such as another method or a host name that is not ours: Django answers that, with the
view of the same address.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from io import BytesIO
from time import perf_counter
from typing import Any, Protocol

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse
from django.http.request import split_domain_port, validate_host
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.security import SecurityMiddleware

from hub.asgi_bridge.bodies import Body, Receive, parse_body_length
from hub.asgi_bridge.environ import find_client_address, join_headers
from hub.asgi_bridge.limits import build_overloaded_problem
from hub.asgi_bridge.refusals import build_problem_answer
from hub.asgi_bridge.responses import Answer, Headers, encode_headers
from hub.logs import RequestLog, begin_request
from hub.problems import Problem
from hub.shared_budget import BudgetExhausted

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LoopRequest:
    """A request with its headers; the body is still to be read."""

    path: str
    query: str
    headers: Mapping[str, str]  # by lower-case name; the values of repeated ones are joined
    address: str  # of the client
    body_length: int | None  # as announced; None: unknown
    body: Body
    receive: Receive

    async def read_body(self, max_bytes: int | None = None) -> bytes:
        """Return the body. Raises Problem as `Body.read` does, BodyTooLarge among them."""
        if self.body_length == 0:
            return b""
        return await self.body.read(self.receive, self.body_length, max_bytes=max_bytes)


class LoopRoute(Protocol):
    pattern: str  # of the address, as Django's; for the log

    def takes(self, path: str) -> bool:
        """Return whether a POST at this path, percent-encoded, is answered here."""

    async def answer(self, request: LoopRequest) -> Answer:
        """Return the answer. Raises Problem."""

    def close(self) -> None:
        """End the route's threads, when the process stops."""


@dataclass(slots=True)
class LoopRoutes:
    """The routes of a web process, with what Django's middleware does for its own requests."""

    routes: Sequence[LoopRoute]
    behind_proxy: bool
    in_progress: int = 0
    request_log: RequestLog = field(default_factory=RequestLog)

    def find(self, scope: Mapping[str, Any]) -> LoopRoute | None:
        """Return the route of a request; None if Django answers it."""
        if scope["method"] != "POST":
            return None
        path = (
            (scope.get("raw_path") or scope["path"].encode()).partition(b"?")[0].decode("latin-1")
        )
        for route in self.routes:
            if route.takes(path):
                host = next((value for name, value in scope["headers"] if name == b"host"), b"")
                return route if is_host_allowed(host.decode("latin-1")) else None
        return None

    async def answer(
        self,
        route: LoopRoute,
        scope: Mapping[str, Any],
        receive: Receive,
        new_body: Callable[[str], Body],
    ) -> Answer:
        """Return the answer of a route with the headers of every answer, and log it."""
        started_at = perf_counter()
        headers = join_headers(scope["headers"])
        request_id = begin_request(headers.get("x-request-id", ""))
        address = str((scope.get("client") or ("",))[0])
        if self.behind_proxy:
            address = find_client_address(headers.get("x-forwarded-for", ""), address)
        body = new_body(address)
        self.in_progress += 1
        try:
            answer = await route.answer(
                LoopRequest(
                    scope["path"],
                    scope["query_string"].decode("latin-1"),
                    headers,
                    address,
                    parse_body_length(
                        headers.get("content-length"), headers.get("transfer-encoding")
                    ),
                    body,
                    receive,
                )
            )
        except Exception as error:
            problem = as_problem(error)
            closes = not body.is_read
            answer = build_problem_answer(problem, scope["path"], request_id, closes=closes)
        finally:
            self.in_progress -= 1
            body.release()
        is_secure = scope["scheme"] == "https" or (
            self.behind_proxy and headers.get("x-forwarded-proto") == "https"
        )
        answer.headers += [
            (b"x-request-id", request_id.encode()),
            *list_security_headers(is_secure),
        ]
        self.request_log.write(scope["method"], route.pattern, answer.status, started_at)
        return answer

    def close(self) -> None:
        for route in self.routes:
            route.close()


def as_problem(error: Exception) -> Problem:
    """Return the problem that answers an error; an unexpected one is logged."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, BudgetExhausted):
        return build_overloaded_problem()
    log.error("the event loop met an error that nothing had caught", exc_info=error)
    return Problem("internal-error")


@lru_cache(maxsize=100)
def is_host_allowed(host: str) -> bool:
    """Return whether a Host header is one of ours, as HttpRequest.get_host() decides it."""
    domain, _port = split_domain_port(host)
    return bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS)


@cache
def list_security_headers(is_secure: bool) -> Headers:
    """List the headers that Django's middleware adds to each answer, by its settings."""
    scheme = "https" if is_secure else "http"
    environ = {"REQUEST_METHOD": "POST", "wsgi.input": BytesIO(), "wsgi.url_scheme": scheme}
    request, response = WSGIRequest(environ), HttpResponse()
    del response.headers["Content-Type"]
    for middleware in (SecurityMiddleware, XFrameOptionsMiddleware):
        middleware(lambda request: response).process_response(request, response)
    return encode_headers((name.lower(), value) for name, value in response.items())
