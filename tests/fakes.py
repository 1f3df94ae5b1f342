"""Stand-ins for the doors of the hub, for every test that must not touch the network."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from smtplib import SMTPException, SMTPRecipientsRefused

from django.core.mail import EmailMessage

from connectors.http import Request, Response

Answer = Response | Exception
Script = Answer | Iterable[Answer] | Mapping[str, Answer] | Callable[[Request], Answer]

OK = Response(200)


class FakeHttp:
    """Answers from a script and remembers what it was asked; both of egress's ways out.

    One answer is given every time, a list in turn, a dict by address (without its query), a
    function by request. An exception is raised: `Unsent("dns_failed")`, `Unanswered("timed_out")`,
    `Refused("denied_address")`.
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


class MailServer:
    """As Django's mail backends are: takes what it is given, or says no; `answer` may be changed on
    the way.
    """

    AWAY = ConnectionRefusedError()
    REFUSES = SMTPRecipientsRefused({"somebody": (550, b"no such user")})

    def __init__(self, answer: Exception | None = None):
        self.answer, self.taken, self.asked = answer, [], 0

    def open(self) -> None:
        self.asked += 1
        if isinstance(self.answer, OSError) and not isinstance(self.answer, SMTPException):
            raise self.answer

    def send_messages(self, messages: list[EmailMessage]) -> None:
        if self.answer:
            raise self.answer
        self.taken += messages

    def close(self) -> None:
        pass


class NoMailServer:
    """For those who have no business with one."""

    def __init__(self, **options: object):
        raise AssertionError("a mail server was asked for")
