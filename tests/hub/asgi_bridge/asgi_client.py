"""The front, asked in this process: what the web server would hand over, and what it would send."""

import asyncio
from dataclasses import dataclass, field
from http import HTTPStatus

from hub.asgi_bridge import AsgiBridge, Limits

DISCONNECT = {"type": "http.disconnect"}


class Page(list):
    """An answer of Django's that is complete."""

    streaming = False
    closed = False

    def close(self):
        self.closed = True


class Stream(Page):
    """An answer whose pieces are made while it is sent."""

    streaming = True

    def __init__(self, pieces):
        super().__init__()
        self.pieces = pieces

    def __iter__(self):
        return iter(self.pieces)


class Echo:
    """A Django that repeats the body, and remembers what it got."""

    def __init__(self, answer=None):
        self.answer = answer

    def __call__(self, environ, start_response):
        self.environ = environ
        self.body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        start_response(
            "200 OK", [("Content-Type", "text/plain"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]
        )
        return Page([self.body]) if self.answer is None else self.answer


@dataclass
class Client:
    """Sends the pieces of a body, then nothing more; reads until it `stalls`."""

    pieces: list = field(default_factory=list)
    stalls_after: int | None = None  # pieces of the answer
    messages: list = field(default_factory=list)

    async def receive(self):
        if not self.pieces:
            await asyncio.Event().wait()
        piece = self.pieces.pop(0)
        if isinstance(piece, dict):
            return piece
        return {"type": "http.request", "body": piece, "more_body": bool(self.pieces)}

    async def send(self, message):
        if self.stalls_after is not None and len(self.messages) > self.stalls_after:
            await asyncio.Event().wait()
        self.messages.append(message)

    @property
    def status(self):
        return HTTPStatus(self.messages[0]["status"])

    @property
    def headers(self):
        return {
            name.decode().lower(): value.decode() for name, value in self.messages[0]["headers"]
        }

    @property
    def body(self):
        return b"".join(message.get("body", b"") for message in self.messages[1:])

    @property
    def complete(self):
        return len(self.messages) > 1 and not self.messages[-1].get("more_body")


def scope(method="POST", path="/api/v1/events", headers=(), client="192.0.2.1", query=b"a=%20b"):
    return {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "query_string": query,
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers],
        "client": (client, 50000),
        "server": ("127.0.0.1", 8000),
    }


CHUNKED = ("Transfer-Encoding", "chunked")


def front_for(wsgi, *, behind_proxy=False, **limits):
    return AsgiBridge(wsgi, behind_proxy=behind_proxy, limits=Limits(**limits))


def ask(front, pieces=(b"",), *, stalls_after=None, **request):
    """One request; the client that sent it, with what it was answered."""
    client = Client(list(pieces), stalls_after)
    request.setdefault("headers", [CHUNKED])
    asyncio.run(front(scope(**request), client.receive, client.send))
    return client
