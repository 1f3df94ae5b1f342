"""Stand-ins for the doors of the hub, for every test that must not touch the network."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager

from connectors.wire import Request, Response

Answer = Response | Exception
Script = Answer | Iterable[Answer] | Mapping[str, Answer] | Callable[[Request], Answer]

OK = Response(200)


class FakeHttp:
    """Answers from a script and remembers what it was asked; both of egress's ways out.

    One answer is given every time, a list in turn, a dict by address (without its query), a function by request. An
    exception is raised: `Unsent("dns_failed")`, `Unanswered("timed_out")`, `Refused("denied_address")`.
    """

    def __init__(self, script: Script = OK):
        self.requests: list[Request] = []
        self.answer = scripted(script)

    async def __call__(self, request: Request) -> Response:
        """As an outlet sends."""
        return self.call(request)

    @asynccontextmanager
    async def outlet(self) -> AsyncIterator["FakeHttp"]:
        """As `egress.outlet`, for a pump."""
        yield self

    def call(self, request: Request, **options: object) -> Response:
        """As `egress.call`."""
        self.requests.append(request)
        answer = self.answer(request)
        if isinstance(answer, Exception):
            raise answer
        return answer


def scripted(script: Script) -> Callable[[Request], Answer]:
    if isinstance(script, Response | Exception):
        return lambda request: script
    if isinstance(script, Mapping):
        return lambda request: script[request.url.partition("?")[0]]
    if callable(script):
        return script
    answers = iter(script)
    return lambda request: in_turn(answers, request)


def in_turn(answers: Iterable[Answer], request: Request) -> Answer:
    for answer in answers:
        return answer
    raise AssertionError(f"the script has no answer left for {request!r}")
