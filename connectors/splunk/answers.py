"""Splunk's HTTP Event Collector: its numeric codes, and what they mean to us."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connectors.outcomes import Outcome, Verdict, never, reconnect, standing, throttled, unknown
from connectors.wire import Response, Scope, Unreadable, retry_after

CONNECTION = Scope("connection")
PAUSE = 10.0  # seconds; Splunk tells no wait
TAKEN = {0, 24, 25}  # Success; taken, though a queue or the acknowledgements near their limit


def full(reason: str, detail: str) -> Outcome:
    """Back-pressure, nothing was taken: the connection rests. It is the server's state, not a quota of ours."""
    return replace(throttled(detail, after=PAUSE, pauses=(CONNECTION,)), concerns="system")


CODES: Mapping[int, Verdict] = {  # `reconnect` where a person must act: a token has nothing to refresh
    1: reconnect,  # Token disabled
    2: reconnect,  # Token is required
    3: reconnect,  # Invalid authorization
    4: reconnect,  # Invalid token
    5: never,  # No data
    6: never,  # Invalid data format
    7: never,  # Incorrect index
    8: unknown,  # Internal server error
    9: full,  # Server is busy
    10: reconnect,  # Data channel is missing: the token wants acknowledgement
    11: never,  # Invalid data channel
    12: never,  # Event field is required
    13: never,  # Event field cannot be blank
    14: reconnect,  # ACK is disabled
    15: never,  # Error in handling indexed fields
    16: reconnect,  # Query string authorization is not enabled
    17: unknown,  # HEC is healthy: no answer to an event
    18: full,  # HEC is unhealthy, queues are full
    19: full,  # HEC is unhealthy, ack service unavailable
    20: full,  # HEC is unhealthy, queues are full, ack service unavailable
    21: reconnect,  # Invalid token
    22: reconnect,  # Token disabled
    23: unknown,  # Server is shutting down
    26: full,  # HEC queue is at capacity and cannot process any more requests
    27: full,  # HEC ACK channel is at capacity and cannot process any more requests
    28: reconnect,  # Data channel is missing, several indexers
}

ONE_TOO_MANY = 7  # of all codes, "Incorrect index" counts its event from 1


def code_of(response: Response) -> int:
    """The numeric code. Raises Unreadable."""
    answer = response.json()
    code = answer.get("code") if isinstance(answer, Mapping) else None
    if not isinstance(code, int) or isinstance(code, bool):
        raise Unreadable("no code")
    return code


def refusal(response: Response) -> Outcome | None:
    """What Splunk refuses of a whole request; None where it was taken."""
    wrong = standing(response, pauses=(CONNECTION,))
    try:
        code = code_of(response)
    except Unreadable:
        if wrong is None:
            raise
        return wrong
    if wrong is None and code in TAKEN:
        return None
    if code not in CODES:
        return wrong or unknown(f"code_{code}", text_of(response))
    read, wait = CODES[code](f"code_{code}", text_of(response)), retry_after(response)
    return replace(read, after=wait) if read.free and wait else read


def text_of(response: Response) -> str:
    answer: Any = response.json()
    return str(answer.get("text") or "")


def failing(response: Response, count: int) -> int | None:
    """The place of the event that was refused: those before it were taken, those after it were not looked at."""
    try:
        number = response.json().get("invalid-event-number")
    except (Unreadable, AttributeError):
        return None
    if not isinstance(number, int) or isinstance(number, bool):
        return None
    place = number - 1 if code_of(response) == ONE_TOO_MANY else number
    if not 0 <= place < count:
        raise Unreadable("the refused event is none of ours")
    return place
