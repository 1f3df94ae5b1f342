"""Public ids: UUIDv7, which sort by the time of their creation."""

import os
import time
import uuid
from datetime import datetime


def uuid7() -> uuid.UUID:
    """Return a UUID of RFC 9562, version 7: 48 bits of Unix milliseconds, then random bits."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)


def smallest_id_at(moment: datetime) -> uuid.UUID:
    """Return the smallest UUIDv7 of a time: public ids are indexed and in order of time.

    All times before 1970 share the smallest UUIDv7.
    """
    return uuid.UUID(int=max(0, int(moment.timestamp() * 1000)) << 80)
