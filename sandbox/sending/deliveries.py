"""A webhook to send: its signature, the rules of its retries, and how the control tampers with
it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from yarl import URL

from sandbox.sending.http_client import OutgoingResponse

TAMPERS: tuple[str, ...] = ("body", "signature", "timestamp")


@dataclass(frozen=True)
class Attempt:
    """`number` counts from 1; `failure` is the response that the attempt before it got."""

    number: int
    at: float  # real time, seconds since 1970
    failure: OutgoingResponse | None = None


@dataclass(frozen=True)
class SignedMessage:
    """Raw bytes with the headers that go with them.

    `signature_header` and `timestamp_header` name the headers that prove where it comes
      from and when
    it was signed; without the first, the URL is the proof.
    """

    body: bytes
    headers: Mapping[str, str]
    signature_header: str = ""
    timestamp_header: str = ""


def is_successful(response: OutgoingResponse) -> bool:
    return response.is_success


def is_never_final(response: OutgoingResponse) -> bool:
    return False


@dataclass(frozen=True)
class SendingRules:
    """How a provider sends. `waits` are seconds of its schedule before each retry."""

    timeout: float
    waits: tuple[float, ...] = ()
    redirects: int = 0
    is_acknowledged: Callable[[OutgoingResponse], bool] = is_successful
    is_final: Callable[[OutgoingResponse], bool] = is_never_final  # a failure without a retry
    honours_retry_after: bool = False


@dataclass(frozen=True)
class Delivery:
    """One message to one URL, over all its attempts.

    `build` signs it for each attempt. `is_wanted` is called before each attempt: a subscription
    that is banned, disabled or deleted gets nothing. `record` receives the result of each attempt.
    `first` is sent before the first attempt, such as a handshake.
    """

    system: str
    account: str
    event: str
    id: str
    url: str
    rules: SendingRules
    build: Callable[[Attempt], SignedMessage]
    is_wanted: Callable[[], bool] = lambda: True
    record: Callable[[Attempt, OutgoingResponse, bool], None] = lambda attempt, response, good: None
    tamper: str = ""
    first: "Delivery | None" = None


class EventSource(Protocol):
    """Events that the control can cause in a system."""

    key: str
    tampers: tuple[str, ...]  # those of TAMPERS that this system's messages have a place for

    def accounts(self) -> list[str]: ...

    def events(self) -> list[str]: ...

    def cause(
        self, account: str, event: str, *, times: int, at: float, base: str
    ) -> list[Delivery]:
        """Cause the event so many times, and return the deliveries. `base` is our own address.

        Raises ValueError with a sentence if no subscription would receive the event.
        """
        ...


def tamper_message(url: str, message: SignedMessage, tamper: str) -> tuple[str, SignedMessage]:
    """Return URL and message with one byte changed after they were signed."""
    headers = dict(message.headers)
    if tamper == "body":
        return url, replace(message, body=bytes([message.body[0] ^ 1]) + message.body[1:])
    if tamper == "timestamp":
        headers[message.timestamp_header] = str(int(headers[message.timestamp_header]) + 1)
    elif tamper == "signature" and message.signature_header:
        headers[message.signature_header] = alter_text(headers[message.signature_header], -4)
    elif tamper == "signature":
        return alter_path(url), message
    return url, replace(message, headers=headers)


def alter_text(text: str, place: int) -> str:
    """With another letter at this place, which is as good in hex, in base64 and in a path."""
    letters = list(text)
    letters[place] = "0" if letters[place] != "0" else "1"
    return "".join(letters)


def alter_path(url: str) -> str:
    """With another last letter of the path."""
    address = URL(url)
    path = address.raw_path.rstrip("/")
    slashes = address.raw_path[len(path) :]
    return str(address.with_path(alter_text(path, -1) + slashes, encoded=True))
