"""Values that every database stores."""

from typing import Any


def make_storable(value: Any) -> Any:
    """Return a JSON value without NUL and lone surrogates, which databases refuse in JSON."""
    if isinstance(value, str):
        if "\0" in value or not value.isascii():
            return value.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
        return value
    if isinstance(value, dict):
        return {make_storable(key): make_storable(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [make_storable(entry) for entry in value]
    return value
