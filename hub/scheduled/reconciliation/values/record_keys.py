"""Keys that match records of both sides: texts that both databases sort by their bytes."""

import hashlib
import math
import unicodedata
from datetime import date
from typing import Any

from connectors.roles import parse_instant
from hub.db.storable import make_storable
from hub.scheduled.reconciliation.values.converters import format_scalar, parse_number

KEY_MAX_LENGTH = 200  # characters
PREFIX_LENGTH = 120  # characters of a long key that stay readable
UNMATCHED_PREFIX = b"\xff"  # begins the key of a record that has none: no text begins with it


def format_key(value: Any) -> str:
    """Return the key for the value of a match expression; "" if the record has no value.

    Surrounding blanks are ignored. 17, 17.0 and "17" are the same key. A text that is too long or
    cannot be stored is replaced by a short form with its digest, equally on both sides.
    """
    if value is None or isinstance(value, bool | list | dict):
        return ""
    if isinstance(value, float) and not math.isfinite(value):
        return ""
    text = unicodedata.normalize("NFC", format_scalar(value).strip())
    storable: str = make_storable(text)
    if storable == text and len(text) <= KEY_MAX_LENGTH:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return f"{storable[:PREFIX_LENGTH]}~{digest}"


def is_possible_key(key: str, type: str) -> bool:
    """Return whether a record can have the key in a field of this type of the schema.

    Numbers have one notation: a field that holds them has no record 007.
    """
    try:
        if type == "number":
            return format_key(parse_number(key)) == key
        if type == "date":
            return date.fromisoformat(key).isoformat() == key
    except ValueError:
        return False
    return parse_instant(key) is not None if type == "datetime" else type != "boolean"


def encode_key(key: str) -> bytes:
    return key.encode()


def encode_unmatched(record_id: str, *, is_local: bool) -> bytes:
    """Return a unique key for a record without a key, which matches no record of the other side."""
    side = b"l" if is_local else b"r"
    return UNMATCHED_PREFIX + side + format_key(record_id).encode()


def is_unmatched(key: bytes) -> bool:
    return key.startswith(UNMATCHED_PREFIX)


def decode_key(key: bytes) -> str:
    """Return the key in readable form; for a record without a key, its id."""
    if not is_unmatched(key):
        return key.decode()
    return f"without key: {key[2:].decode()}"[:KEY_MAX_LENGTH]
