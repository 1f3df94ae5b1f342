"""Detect clock jumps: a clock that was set, or a machine that was suspended."""

from dataclasses import dataclass
from datetime import datetime, timedelta

CLOCK_JUMP = timedelta(seconds=5)  # a clock that gains more than this between two readings jumped


@dataclass(slots=True)
class ClockJump:
    """The last reading: the clock, and the loop's time in seconds."""

    last_reading: tuple[datetime, float] | None = None

    def measure(self, *, now: datetime, loop_time: float) -> timedelta:
        """Return how much further the clock advanced than the loop's time since the last call."""
        previous, self.last_reading = self.last_reading, (now, loop_time)
        if previous is None:
            return timedelta(0)
        return now - previous[0] - timedelta(seconds=loop_time - previous[1])
