"""Start an inbox loop for stored messages, without a query for each group of them."""

from datetime import datetime, timedelta

from hub.processes.loop_slots import is_loop_running
from hub.queue import wake_up

# how long a receiver relies on what it saw; a loop that ends looks for new messages as long
RUNNING_LOOP_CACHED_FOR = timedelta(milliseconds=500)


class InboxWaker:
    """Starts an inbox loop for stored messages.

    It relies on a running loop for RUNNING_LOOP_CACHED_FOR. The sweep finds the messages if that
    loop was killed in the meantime.
    """

    def __init__(self) -> None:
        self.seen_at: datetime | None = None  # when a loop ran

    def wake(self, *, now: datetime) -> None:
        """Start an inbox loop if none runs."""
        if (
            self.seen_at is not None
            and timedelta(0) <= now - self.seen_at < RUNNING_LOOP_CACHED_FOR
        ):
            return
        if is_loop_running("inbox", now=now):
            self.seen_at = now
        else:
            wake_up("inbox", now=now)
