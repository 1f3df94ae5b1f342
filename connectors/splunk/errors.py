"""The error codes of Splunk's HTTP Event Collector, and their outcomes."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connectors.http import Response, Scope, Unreadable, parse_retry_after
from connectors.outcomes import (
    Outcome,
    OutcomeBuilder,
    never,
    outcome_of_status,
    reconnect,
    throttled,
    unknown,
)

CONNECTION = Scope("connection")
BACK_PRESSURE_WAIT_SECONDS = 10.0  # seconds; the response has no Retry-After
# Success; accepted, though a queue or the acknowledgements are near their limit
ACCEPTED_CODES = {0, 24, 25}


def _build_overload_outcome(reason: str, detail: str) -> Outcome:
    """Build the outcome of an overloaded server that accepted nothing; pause the connection."""
    return replace(
        throttled(detail, after=BACK_PRESSURE_WAIT_SECONDS, pauses=(CONNECTION,)), concerns="system"
    )


# *reconnect* where a person must act: a token cannot be refreshed
OUTCOMES_BY_CODE: Mapping[int, OutcomeBuilder] = {
    1: reconnect,  # Token disabled
    2: reconnect,  # Token is required
    3: reconnect,  # Invalid authorization
    4: reconnect,  # Invalid token
    5: never,  # No data
    6: never,  # Invalid data format
    7: never,  # Incorrect index
    8: unknown,  # Internal server error
    9: _build_overload_outcome,  # Server is busy
    10: reconnect,  # Data channel is missing: the token wants acknowledgement
    11: never,  # Invalid data channel
    12: never,  # Event field is required
    13: never,  # Event field cannot be blank
    14: reconnect,  # ACK is disabled
    15: never,  # Error in handling indexed fields
    16: reconnect,  # Query string authorization is not enabled
    17: unknown,  # HEC is healthy: no answer to an event
    18: _build_overload_outcome,  # HEC is unhealthy, queues are full
    19: _build_overload_outcome,  # HEC is unhealthy, ack service unavailable
    20: _build_overload_outcome,  # HEC is unhealthy, queues are full, ack service unavailable
    21: reconnect,  # Invalid token
    22: reconnect,  # Token disabled
    23: unknown,  # Server is shutting down
    26: _build_overload_outcome,  # HEC queue is at capacity and cannot process any more requests
    27: _build_overload_outcome,  # HEC ACK channel is at capacity and takes no requests
    28: reconnect,  # Data channel is missing, several indexers
}

ONE_BASED_CODE = 7  # of all codes, "Incorrect index" counts its event from 1


def parse_code(response: Response) -> int:
    """Return the numeric code of a response. Raises Unreadable."""
    answer = response.json()
    code = answer.get("code") if isinstance(answer, Mapping) else None
    if not isinstance(code, int) or isinstance(code, bool):
        raise Unreadable("no code")
    return code


def find_rejection(response: Response) -> Outcome | None:
    """Return the Outcome of a refused request; None if it was accepted."""
    rejection = outcome_of_status(response, pauses=(CONNECTION,))
    try:
        code = parse_code(response)
    except Unreadable:
        if rejection is None:
            raise
        return rejection
    if rejection is None and code in ACCEPTED_CODES:
        return None
    if code not in OUTCOMES_BY_CODE:
        return rejection or unknown(f"code_{code}", _parse_text(response))
    outcome, wait = (
        OUTCOMES_BY_CODE[code](f"code_{code}", _parse_text(response)),
        parse_retry_after(response),
    )
    return replace(outcome, after=wait) if outcome.costs_no_attempt and wait else outcome


def _parse_text(response: Response) -> str:
    answer: Any = response.json()
    return str(answer.get("text") or "")


def find_failed_index(response: Response, count: int) -> int | None:
    """Return the index of the refused event; None if the response does not name one.

    Earlier events were accepted, later ones ignored.
    """
    try:
        number = response.json().get("invalid-event-number")
    except (Unreadable, AttributeError):
        return None
    if not isinstance(number, int) or isinstance(number, bool):
        return None
    index = number - 1 if parse_code(response) == ONE_BASED_CODE else number
    if not 0 <= index < count:
        raise Unreadable("the rejected event is not part of the batch")
    return index
