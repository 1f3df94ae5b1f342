"""The outcomes of an attempt: delivered, later, never, refresh, reconnect and others."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Literal, ParamSpec, TypeVar

from connectors.http import MAX_WAIT, Response, Scope, Unreadable, parse_retry_after

Kind = Literal[
    "delivered", "later", "never", "refresh", "reconnect", "disable", "unknown", "pending"
]
Concern = Literal["system", "record", "quota"]
# called with reason and detail; the values of the connectors' tables of error codes
OutcomeBuilder = Callable[[str, str], "Outcome"]

UNAUTHORIZED = "unauthorized"
PERMISSION_MISSING = "permission_missing"
CHANGED_SINCE = "changed_since"  # the precondition of a write does not hold any more
DUPLICATE_VALUE = "duplicate_value"  # another record has the value, which must be unique
RETRYABLE_STATUSES = {408: "status_408", 425: "status_425", 503: "unavailable"}
CLOSED_ACCOUNT_WAIT_SECONDS = 900.0  # seconds between two calls of an account that is not open
MAX_REASON_LENGTH = 40  # characters
MAX_DETAIL_LENGTH = 300
MAX_REFERENCE_LENGTH = 200

READ_ERRORS = (
    Unreadable,
    LookupError,
    TypeError,
    AttributeError,
    ValueError,
    ArithmeticError,
    RecursionError,
)

Arguments = ParamSpec("Arguments")
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of an attempt.

    `reason` is a stable code, `detail` the system's own text, `reference` the system's id of what
    was created. `after` is the wait in seconds, for which `paused_scopes` are paused. With
    `costs_no_attempt` the attempt is not counted. `ticket` identifies a *pending* message.
    `concerns` says what refused: the system, one record in it, or a quota. Of a write, `created`
    says whether it created the record, and `changed_at` when the record was changed last, by the
    system's clock; None: the answer does not tell.
    """

    kind: Kind
    reason: str = ""
    detail: str = ""
    reference: str = ""
    after: float | None = None
    paused_scopes: tuple[Scope, ...] = ()
    costs_no_attempt: bool = False
    ticket: str = ""
    concerns: Concern = "system"
    created: bool | None = None
    changed_at: datetime | None = None

    def __post_init__(self) -> None:
        """Cut and clean the texts, so that they fit a column and a page."""
        object.__setattr__(self, "reason", clean_text(self.reason, MAX_REASON_LENGTH))
        object.__setattr__(self, "detail", clean_text(self.detail, MAX_DETAIL_LENGTH))
        object.__setattr__(self, "reference", clean_text(self.reference, MAX_REFERENCE_LENGTH))
        object.__setattr__(self, "after", clamp_wait(self.after))


def clamp_wait(seconds: float | None) -> float | None:
    """Return the wait between 0 and MAX_WAIT seconds; None for None and NaN."""
    if seconds is None or math.isnan(seconds):
        return None
    return min(max(seconds, 0.0), MAX_WAIT)


def clean_text(text: object, max_length: int) -> str:
    """Return the text cut to `max_length`, with a blank for each unprintable character.

    A database or a terminal rejects NUL, lone surrogates and control characters.
    """
    cut_text = str(text)[:max_length]
    return (
        cut_text
        if cut_text.isprintable()
        else "".join(c if c.isprintable() else " " for c in cut_text)
    )


DELIVERED = Outcome("delivered")  # made once: most responses need no other


def delivered(
    reference: str = "",
    *,
    detail: str = "",
    created: bool | None = None,
    changed_at: datetime | None = None,
) -> Outcome:
    if not (reference or detail):
        return DELIVERED
    return Outcome(
        "delivered", reference=reference, detail=detail, created=created, changed_at=changed_at
    )


def later(
    reason: str,
    detail: str = "",
    *,
    after: float | None = None,
    pauses: tuple[Scope, ...] = (),
    costs_no_attempt: bool = False,
) -> Outcome:
    """Build a retryable outcome: the request had no effect."""
    return Outcome(
        "later",
        reason,
        detail,
        after=after,
        paused_scopes=pauses,
        costs_no_attempt=costs_no_attempt,
    )


def throttled(
    detail: str = "", *, after: float | None = None, pauses: tuple[Scope, ...] = ()
) -> Outcome:
    """Build the outcome of a spent quota: its scopes are paused for `after`; costs no attempt."""
    return Outcome(
        "later",
        "throttled",
        detail,
        after=after,
        paused_scopes=pauses,
        costs_no_attempt=True,
        concerns="quota",
    )


def record_later(
    reason: str, detail: str = "", *, after: float | None = None, costs_no_attempt: bool = False
) -> Outcome:
    """Build a retryable outcome of one record (or others in its batch), not of the system."""
    return Outcome(
        "later", reason, detail, after=after, costs_no_attempt=costs_no_attempt, concerns="record"
    )


def maintenance(detail: str = "", *, after: float | None = None) -> Outcome:
    """Build the outcome of a system under maintenance; costs no attempt."""
    return later("maintenance", detail, after=after, costs_no_attempt=True)


def account_closed(reason: str, detail: str = "", *, pauses: tuple[Scope, ...]) -> Outcome:
    """Build the outcome of an account that is closed until its owner changes it.

    A reconnect would not help. Costs no attempt.
    """
    return later(
        reason, detail, after=CLOSED_ACCOUNT_WAIT_SECONDS, pauses=pauses, costs_no_attempt=True
    )


def never(reason: str, detail: str = "") -> Outcome:
    """Build a permanent outcome: the same request would be refused again."""
    return Outcome("never", reason, detail)


def permission_missing(reason: str, detail: str = "") -> Outcome:
    """Build the outcome of a call for which the account granted no permission.

    The delivery is held; others of the connection continue.
    """
    return never(PERMISSION_MISSING, detail or reason)


def refresh(reason: str, detail: str = "") -> Outcome:
    """Build the outcome of an expired access token: refresh it once, then retry."""
    return Outcome("refresh", reason, detail)


def reconnect(reason: str, detail: str = "") -> Outcome:
    """Build the outcome of an authorization that has ended: a person must reconnect."""
    return Outcome("reconnect", reason, detail)


def disable(reason: str, detail: str = "") -> Outcome:
    """Build the outcome of an endpoint that asks for no further requests (410 Gone)."""
    return Outcome("disable", reason, detail)


def unknown(reason: str, detail: str = "", *, after: float | None = None) -> Outcome:
    """Build the outcome of a request that may have arrived."""
    return Outcome("unknown", reason, detail, after=after)


def pending(ticket: str, *, after: float) -> Outcome:
    """Build the outcome of an accepted request to be confirmed after `after` seconds."""
    return Outcome("pending", "awaiting_confirmation", after=after, ticket=ticket)


def read_outcomes(
    read: Callable[[], list[Outcome]], response: Response, count: int
) -> list[Outcome]:
    """Call the parser `read`; return its outcomes, or *unknown* for each message if it fails.

    Never raises. A request whose response cannot be parsed may have taken effect.
    """
    try:
        outcomes = read()
    except READ_ERRORS as error:
        return [unknown("unreadable", f"status {response.status}, {type(error).__name__}")] * count
    if len(outcomes) != count:
        return [unknown("unreadable", f"{len(outcomes)} results for {count} messages")] * count
    return outcomes


def raises_unreadable(read: Callable[Arguments, Value]) -> Callable[Arguments, Value]:
    """Decorate a parser of one response: each of READ_ERRORS becomes Unreadable."""

    @wraps(read)
    def reader(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Value:
        try:
            return read(*args, **kwargs)
        except READ_ERRORS as error:
            raise Unreadable(f"{type(error).__name__} in a response") from error

    return reader


def outcome_of_status(response: Response, *, pauses: tuple[Scope, ...] = ()) -> Outcome | None:
    """Return the Outcome of an HTTP status; None below 300.

    Connectors whose system answers with error codes of its own parse those first.
    """
    status = response.status
    if status < 300:
        return None
    if status < 400:
        return never("redirected", f"responded with {status}; redirects are not followed")
    detail, wait = response.text()[:MAX_DETAIL_LENGTH], parse_retry_after(response)
    if status == 429:
        return throttled(detail, after=wait, pauses=pauses)
    if status in RETRYABLE_STATUSES:
        outcome = maintenance(detail, after=wait) if "maintenance" in detail.lower() else None
        return outcome or later(RETRYABLE_STATUSES[status], detail, after=wait)
    if status >= 500:
        return unknown(f"status_{status}", detail, after=wait)
    return reconnect(UNAUTHORIZED, detail) if status == 401 else never(f"status_{status}", detail)


def refresh_rejection(outcome: Outcome) -> Outcome:
    """Return the Outcome of a refused refresh: *reconnect* only if the grant itself has ended.

    Everything else is retried; an unexplained 401 of a token endpoint concerns our own client.
    """
    is_own_fault = outcome.kind in ("never", "refresh") or outcome.reason == UNAUTHORIZED
    return later(outcome.reason, outcome.detail) if is_own_fault else outcome
