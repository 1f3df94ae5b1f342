"""The pace of a run's planned calls, so that a night's calls are spread evenly over its window."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.scheduled.models import Run

CALLS_KEY = "|calls||"  # the end of the keys under which a run counts its calls


@dataclass(slots=True)
class CallPace:
    """Spreads `planned_count` calls, `interval` apart, until `ends_at`.

    More calls than planned are not delayed, nor is anything after the window.
    """

    interval: timedelta
    planned_count: int
    ends_at: datetime
    next_at: datetime

    @classmethod
    def of(cls, run: Run) -> "CallPace":
        """Return the pace of a run, some of whose calls may already have been made."""
        made_count = sum(count for key, count in run.calls.items() if key.endswith(CALLS_KEY))
        return cls(
            timedelta(seconds=run.seconds_between_calls or 0.0),
            sum(run.expected_calls.values()) - made_count,
            run.window_ends_at,
            run.due_at,
        )

    def reserve_call(self, *, now: datetime) -> datetime:
        """Return the time of the next call, and reserve it."""
        if not self.interval or self.planned_count <= 0 or now >= self.ends_at:
            return now
        self.planned_count -= 1
        at = max(now, self.next_at)
        self.next_at = at + self.interval
        return at
