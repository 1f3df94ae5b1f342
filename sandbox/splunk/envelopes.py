"""Parse a batch: envelopes one after another, up to the first invalid one."""

import json
import re
from collections.abc import Iterator
from typing import Any

from sandbox.splunk.accounts import HecToken
from sandbox.splunk.codes import Refused

KNOWN = {"time", "host", "source", "sourcetype", "index", "event", "fields"}
SPACE = re.compile(r"\s*")
PLAIN_NUMBER = re.compile(r"\d+(\.\d+)?")

Event = dict[str, Any]


class Written(float):
    """A number that remembers how it was written: 1.79E9 is refused as a time, 1790000000.0 is
    not.
    """

    text: str

    def __new__(cls, text: str) -> "Written":
        number = super().__new__(cls, text)
        number.text = text
        return number


DECODER = json.JSONDecoder(parse_float=Written)


def read_envelopes(token: HecToken, body: bytes, at: float) -> tuple[list[Event], Refused | None]:
    """The events before the first wrong envelope, and what is wrong with that one."""
    events: list[Event] = []
    try:
        for envelope in envelopes(body.decode("utf-8")):
            if not isinstance(envelope, dict):
                raise Refused(6)
            if (
                set(envelope) - KNOWN
            ):  # measured: what came before is indexed, the rest is passed over in silence
                return events, None if events else Refused(5)
            if (event := event_of(token, envelope, at)) is not None:
                events.append(event)
    except (ValueError, RecursionError):
        return events, build_numbered_refusal(6, len(events))
    except Refused as refused:
        return events, build_numbered_refusal(refused.code, len(events))
    return events, None


def build_numbered_refusal(code: int, number: int) -> Refused:
    """Code 7 counts from one, all others from zero."""
    return Refused(code, **{"invalid-event-number": number + (code == 7)})


def skip_space(text: str, position: int) -> int:
    match = SPACE.match(text, position)
    return match.end() if match else position


def envelopes(text: str) -> Iterator[Any]:
    position = skip_space(text, 0)
    while position < len(text):
        value, position = DECODER.raw_decode(text, position)
        yield from value if isinstance(value, list) else [value]
        position = skip_space(text, position)


def event_of(token: HecToken, envelope: dict[str, Any], at: float) -> Event | None:
    """None for a metric-like object, which 10.4 drops with a 200."""
    if "event" not in envelope:
        if "fields" in envelope:
            return None
        raise Refused(12)
    if envelope["event"] is None or envelope["event"] == "":
        raise Refused(13)
    fields = envelope.get("fields", {})
    if not isinstance(fields, dict) or any(is_nested(value) for value in fields.values()):
        raise Refused(15)
    index = envelope.get("index", token.index)
    if index not in (token.indexes or [token.index]):
        raise Refused(7)
    return {
        "time": time_of(envelope.get("time"), at),
        "host": str(envelope.get("host", token.stack)),
        "source": str(envelope.get("source", f"http:{token.name}")),
        "index": index,
        "sourcetype": str(envelope.get("sourcetype", token.sourcetype)),
        "event": envelope["event"],
        "fields": fields,
    }


def is_nested(value: Any) -> bool:
    return isinstance(value, dict) or (
        isinstance(value, list) and any(isinstance(one, dict | list) for one in value)
    )


def time_of(value: Any, at: float) -> float:
    if value is None:
        return at
    if isinstance(value, bool) or not PLAIN_NUMBER.fullmatch(str(getattr(value, "text", value))):
        raise Refused(15)
    return float(value)
