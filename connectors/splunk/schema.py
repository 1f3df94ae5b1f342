"""Check and build Splunk's event envelope: Splunk ignores what it does not understand."""

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from connectors.http import dump_json
from connectors.schema import remove_nulls

# seconds since 1970; Python writes no number below this in scientific notation
MAX_EPOCH_SECONDS = 1e11
SECONDS = re.compile(r"[0-9]{1,11}(\.[0-9]{1,9})?", re.ASCII)
TEXT_FIELDS = ("host", "source", "sourcetype", "index")


def parse_time(value: object) -> int | float:
    """Convert a number, its text, or ISO 8601 with offset to seconds since 1970.

    Raises ValueError.
    """
    if isinstance(value, str) and not SECONDS.fullmatch(value):
        at = datetime.fromisoformat(value)
        if at.tzinfo is None:
            raise ValueError("a time must include its UTC offset")
        value = at.timestamp()
    seconds = float(value) if isinstance(value, str | Decimal) else value
    if (
        isinstance(seconds, bool)
        or not isinstance(seconds, int | float)
        or not 1 <= seconds < MAX_EPOCH_SECONDS
    ):
        raise ValueError("a time must be in seconds since 1970")
    return round(seconds, 6)


def find_envelope_problem(body: Mapping[str, Any]) -> str:
    """Return why Splunk would not index the envelope, as text; "" if it would."""
    if body.get("event") in (None, "", {}, []):
        return "missing: event"
    for key in TEXT_FIELDS:
        if not isinstance(body.get(key), str | None):
            return f"{key} is not text"
    if not is_flat(body.get("fields")):
        return "fields is not a flat object of strings or lists of strings"
    try:
        parse_time(body["time"] if body.get("time") is not None else 1)
    except ValueError:
        return (
            "time is neither seconds since 1970 nor a time with an offset such as "
            "2026-11-25T12:00:00Z"
        )
    return ""


def is_flat(fields: object) -> bool:
    if fields is None:
        return True
    if not isinstance(fields, Mapping):
        return False
    lists = [value if isinstance(value, list) else [value] for value in fields.values()]
    return all(isinstance(item, str) for items in lists for item in items)


def build_envelope(body: Mapping[str, Any], *, id: str) -> bytes:
    """Build the envelope to send, with the indexed field `delivery_id`.

    It is the same in all attempts, as Splunk does not detect duplicates.
    """
    document = remove_nulls(body)
    document["fields"] = {**document.get("fields", {}), "delivery_id": id}
    if "time" in document:
        document["time"] = parse_time(document["time"])
    return dump_json(document)
