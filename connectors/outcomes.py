"""What one attempt came to: delivered, later, never, refresh, reconnect, disable, unknown or pending."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Literal, ParamSpec, TypeVar

from connectors.http import MAX_WAIT, Response, Scope, Unreadable, parse_retry_after

Kind = Literal[
    "delivered", "later", "never", "refresh", "reconnect", "disable", "unknown", "pending"
]
Concern = Literal["system", "record", "quota"]
OutcomeBuilder = Callable[
    [str, str], "Outcome"
]  # of (reason, their words): what the connectors' tables hold

UNAUTHORIZED = "unauthorized"
PERMISSION_MISSING = "permission_missing"
RETRYABLE_STATUSES = {408: "status_408", 425: "status_425", 503: "unavailable"}
CLOSED_ACCOUNT_WAIT = 900.0  # seconds between two looks at an account that is not open
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
    """What one attempt came to.

    `reason` is a stable code, `says` the system's own words, `reference` their id of what was made. `after` is in
    seconds. `pauses` are the scopes that rest for `after`. `free` costs no attempt. `ticket` is for `pending`.
    `concerns` says what refused: the system as a whole, one record in it, or a quota.
    """

    kind: Kind
    reason: str = ""
    detail: str = ""
    reference: str = ""
    after: float | None = None
    pauses: tuple[Scope, ...] = ()
    free: bool = False
    ticket: str = ""
    concerns: Concern = "system"

    def __post_init__(self) -> None:
        """Their words fit a column and a page, whatever they are."""
        object.__setattr__(self, "reason", clean_text(self.reason, MAX_REASON_LENGTH))
        object.__setattr__(self, "detail", clean_text(self.detail, MAX_DETAIL_LENGTH))
        object.__setattr__(self, "reference", clean_text(self.reference, MAX_REFERENCE_LENGTH))
        object.__setattr__(self, "after", clamp_wait(self.after))


def clamp_wait(seconds: float | None) -> float | None:
    """A wait that can be waited: at most a day; None where it is no number."""
    if seconds is None or math.isnan(seconds):
        return None
    return min(max(seconds, 0.0), MAX_WAIT)


def clean_text(text: object, max_length: int) -> str:
    """Cut, and without what a database or a terminal trips over: NUL, lone surrogates, control characters."""
    cut_text = str(text)[:max_length]
    return (
        cut_text
        if cut_text.isprintable()
        else "".join(c if c.isprintable() else " " for c in cut_text)
    )


DELIVERED = Outcome("delivered")  # of most answers, which say no more: it is made once


def delivered(reference: str = "", *, detail: str = "") -> Outcome:
    return (
        Outcome("delivered", reference=reference, detail=detail)
        if reference or detail
        else DELIVERED
    )


def later(
    reason: str,
    detail: str = "",
    *,
    after: float | None = None,
    pauses: tuple[Scope, ...] = (),
    free: bool = False,
) -> Outcome:
    """Not now: it surely had no effect, and may go again."""
    return Outcome("later", reason, detail, after=after, pauses=pauses, free=free)


def throttled(
    detail: str = "", *, after: float | None = None, pauses: tuple[Scope, ...] = ()
) -> Outcome:
    """The quota is spent: the scopes rest for `after`; costs no attempt."""
    return Outcome(
        "later", "throttled", detail, after=after, pauses=pauses, free=True, concerns="quota"
    )


def record_later(
    reason: str, detail: str = "", *, after: float | None = None, free: bool = False
) -> Outcome:
    """Not now, because of one record or its neighbours in a batch: it says nothing of the system."""
    return Outcome("later", reason, detail, after=after, free=free, concerns="record")


def maintenance(detail: str = "", *, after: float | None = None) -> Outcome:
    """The system says that it is under maintenance; costs no attempt."""
    return later("maintenance", detail, after=after, free=True)


def account_closed(reason: str, detail: str = "", *, pauses: tuple[Scope, ...]) -> Outcome:
    """The account there is not open, which its owner must change; no reconnect does. Costs no attempt."""
    return later(reason, detail, after=CLOSED_ACCOUNT_WAIT, pauses=pauses, free=True)


def never(reason: str, detail: str = "") -> Outcome:
    """It is refused for good: the same again would be refused again."""
    return Outcome("never", reason, detail)


def permission_missing(reason: str, detail: str = "") -> Outcome:
    """The account did not grant what this call needs: it is held, and the rest of the connection goes on."""
    return never(PERMISSION_MISSING, detail or reason)


def refresh(reason: str, detail: str = "") -> Outcome:
    """The access token has ended: refresh it once, then again."""
    return Outcome("refresh", reason, detail)


def reconnect(reason: str, detail: str = "") -> Outcome:
    """The authorization has ended, or was never right: only a person can mend it."""
    return Outcome("reconnect", reason, detail)


def disable(reason: str, detail: str = "") -> Outcome:
    """The receiver wants no more of this (410 Gone)."""
    return Outcome("disable", reason, detail)


def unknown(reason: str, detail: str = "", *, after: float | None = None) -> Outcome:
    """It may have arrived."""
    return Outcome("unknown", reason, detail, after=after)


def pending(ticket: str, *, after: float) -> Outcome:
    """Taken, not yet confirmed: ask again after so many seconds."""
    return Outcome("pending", "awaiting_confirmation", after=after, ticket=ticket)


def read_outcomes(
    read: Callable[[], list[Outcome]], response: Response, count: int
) -> list[Outcome]:
    """Reading an answer never raises: what cannot be read may have had its effect."""
    try:
        outcomes = read()
    except READ_ERRORS as error:
        return [unknown("unreadable", f"status {response.status}, {type(error).__name__}")] * count
    if len(outcomes) != count:
        return [unknown("unreadable", f"{len(outcomes)} answers to {count} messages")] * count
    return outcomes


def raises_unreadable(read: Callable[Arguments, Value]) -> Callable[Arguments, Value]:
    """For readers of one answer: whatever goes wrong in reading is Unreadable."""

    @wraps(read)
    def reader(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Value:
        try:
            return read(*args, **kwargs)
        except READ_ERRORS as error:
            raise Unreadable(f"{type(error).__name__} in an answer") from error

    return reader


def outcome_of_status(response: Response, *, pauses: tuple[Scope, ...] = ()) -> Outcome | None:
    """What a status means in every system, where the system's own words do not say more; None below 300."""
    status = response.status
    if status < 300:
        return None
    if status < 400:
        return never("redirected", f"answered {status}; redirects are not followed")
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
    """A token endpoint's refusal: only the grant's own end asks a person to reconnect, all else is tried again.

    A bare 401 there is about our own client.
    """
    is_own_fault = outcome.kind in ("never", "refresh") or outcome.reason == UNAUTHORIZED
    return later(outcome.reason, outcome.detail) if is_own_fault else outcome
