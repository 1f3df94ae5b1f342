"""What stands between granian and Django: only what a request may carry gets in, and its body has a length."""

import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from ipaddress import ip_address
from typing import IO, Any

from django.conf import settings

from hub.ids import uuid7
from hub.problems import Problem

Environ = dict[str, Any]
StartResponse = Callable[..., Any]

PIECE = 64 * 1024
IN_MEMORY = 1024 * 1024  # of a chunked body; the rest waits in a file
NAMES = {
    "CONTENT_LENGTH",
    "CONTENT_TYPE",
    "PATH_INFO",
    "QUERY_STRING",
    "REMOTE_ADDR",
    "REMOTE_PORT",
    "REQUEST_METHOD",
    "SCRIPT_NAME",
    "SERVER_NAME",
    "SERVER_PORT",
    "SERVER_PROTOCOL",
}


class FrontDoor:
    def __init__(self, django: Callable[[Environ, StartResponse], Iterable[bytes]]) -> None:
        self.django = django

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        environ = {name: value for name, value in environ.items() if of_the_request(name, value)}
        if settings.HUB_BEHIND_TLS_PROXY:
            environ["REMOTE_ADDR"] = caller_of(environ)
        if "HTTP_TRANSFER_ENCODING" not in environ:
            return self.django(environ, start_response)
        try:
            body = whole_body(environ)
        except Problem as problem:
            return refused(problem, start_response)
        return Closing(self.django(environ, start_response), body)


class Closing:
    """An answer that, once sent, lets go of the request's body."""

    def __init__(self, answer: Iterable[bytes], body: IO[bytes]) -> None:
        self.answer, self.body = answer, body

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.answer)

    def close(self) -> None:
        self.body.close()
        if hasattr(self.answer, "close"):
            self.answer.close()


def of_the_request(name: str, value: Any) -> bool:
    """Granian hands over the environment of the process, too: its HTTP_PROXY is not a header either."""
    if name.startswith("HTTP_"):
        return os.environ.get(name) != value
    return name in NAMES or name.startswith("wsgi.")


def caller_of(environ: Environ) -> str:
    """The address that the proxy has seen, which it adds as the last one; what stands before it anybody may say."""
    told = environ.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
    try:
        return str(ip_address(told))
    except ValueError:
        return str(environ.get("REMOTE_ADDR", ""))


def whole_body(environ: Environ) -> IO[bytes]:
    """Django reads a body as long as CONTENT_LENGTH says: without it, a chunked one would seem empty.

    Granian 2.8.7 itself drops the Content-Length of a request that is chunked, too, and shows a chunked body that was
    cut as if it were whole (seen 2026-11-25).
    """
    coding = environ.pop("HTTP_TRANSFER_ENCODING")
    if environ.get("CONTENT_LENGTH") or environ.get("HTTP_CONTENT_LENGTH"):
        raise Problem("bad-request", "A body has a Content-Length or a Transfer-Encoding, never both.")
    if coding.strip().lower() != "chunked":
        raise Problem("bad-request", "The only Transfer-Encoding taken here is chunked.")
    environ["wsgi.input"] = body = spooled(environ["wsgi.input"])
    environ["CONTENT_LENGTH"] = str(body.seek(0, os.SEEK_END))
    body.seek(0)
    return body


def spooled(stream: IO[bytes]) -> IO[bytes]:
    body = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - Closing does, when the answer is sent
    length = 0
    while piece := stream.read(PIECE):
        length += len(piece)
        if length > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            body.close()
            raise Problem("payload-too-large")
        body.write(piece)
    return body


def refused(problem: Problem, start_response: StartResponse) -> Iterable[bytes]:
    request_id = str(uuid7())
    body = json.dumps(problem.document(request_id)).encode()
    headers = {
        "Content-Type": "application/problem+json",
        "Content-Length": str(len(body)),
        "X-Request-Id": request_id,
        "Connection": "close",
    }
    start_response(f"{problem.status_code} {HTTPStatus(problem.status_code).phrase}", list(headers.items()))
    return [body]
