"""From this machine's monotonic clock, by which kills and arrivals are told, to the clock of the
rows, and back.
"""

import time
from datetime import UTC, datetime

APART = time.time() - time.monotonic()


def wall(moment: float) -> datetime:
    return datetime.fromtimestamp(moment + APART, UTC)


def monotonic(at: datetime) -> float:
    return at.timestamp() - APART
