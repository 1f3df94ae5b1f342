"""The inbox loop: claim and process messages while some are due."""

import math
import time
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

import structlog
from django.db import connection

from hub.db.clock import Clock
from hub.db.outages import DATABASE_ERRORS
from hub.incoming.processing.batch import process_messages
from hub.incoming.processing.claim import (
    claim_messages,
    claim_repeated_message,
    is_message_due,
)
from hub.incoming.processing.stored_items import process_due_items
from hub.processes.loop_slots import extend_slot
from hub.queue import report_progress

log = structlog.get_logger(__name__)

POLL_EVERY_SECONDS = 0.02  # between looks for new messages
RECHECK_EVERY_SECONDS = 0.2  # between looks for what is processed again
EXTEND_EVERY_SECONDS = 2.0  # between two extensions of the loop's lease
DATABASE_RETRY_EVERY_SECONDS = 0.5  # between attempts while the database is away
IDLE_SECONDS, RUN_SECONDS = 30.0, 45.0

Pause = Callable[[float], object]


class InboxLoop:
    """A run of the inbox loop. It ends after an idle time, when stopped, or at its time limit.

    `pause` waits for a number of seconds.
    """

    def __init__(
        self, lease: UUID, *, clock: Clock, pause: Pause, stopping: Callable[[], bool]
    ) -> None:
        self.lease, self.clock, self.pause, self.stopping = lease, clock, pause, stopping
        self.last_share, self.last_connection = "", 0  # which were served last
        self.looked_again_at = -math.inf  # when it last looked for work that was tried before

    def run(
        self,
        *,
        idle_seconds: float = IDLE_SECONDS,
        run_seconds: float = RUN_SECONDS,
        extend_every: float = EXTEND_EVERY_SECONDS,
    ) -> None:
        started_at = worked_at = extended_at = time.monotonic()
        while not self.stopping() and time.monotonic() < started_at + run_seconds:
            try:
                if self.process_next():
                    worked_at = time.monotonic()
                    continue_after = 0.0
                else:
                    continue_after = POLL_EVERY_SECONDS
                if time.monotonic() > extended_at + extend_every:
                    extended_at = time.monotonic()
                    report_progress()
                    if not extend_slot(self.lease, now=self.clock()):
                        return  # another loop may run in its place
            except DATABASE_ERRORS as error:
                log.warning("incoming.database_away", error=type(error).__name__)
                connection.close()
                continue_after = DATABASE_RETRY_EVERY_SECONDS
            if time.monotonic() > worked_at + idle_seconds:
                return
            if continue_after:
                self.pause(continue_after)

    def process_next(self) -> bool:
        """Claim and process the next batches; return whether there was one.

        Batches of new messages alternate with one message that failed before, and with items that
        were released or replayed. If there are none of the latter, it looks for them less often.
        """
        now, is_busy = self.clock(), False
        if time.monotonic() > self.looked_again_at + RECHECK_EVERY_SECONDS:
            is_busy = self.process_again(now=now)
            self.looked_again_at = -math.inf if is_busy else time.monotonic()
        if not is_message_due(now=now):  # no transaction: on SQLite it keeps all others waiting
            return is_busy
        claim = claim_messages(self.lease, after=self.last_share, now=now)
        self.last_share = claim.last_share
        if claim.messages:
            process_messages(claim.messages, self.lease, now=now)
        return is_busy or bool(claim.messages)

    def process_again(self, *, now: datetime) -> bool:
        """Process a message that was tried before, and stored items, if any are due.

        Return whether any were due.
        """
        repeated = claim_repeated_message(self.lease, now=now)
        if repeated:
            process_messages(repeated, self.lease, now=now)
        served = process_due_items(after=self.last_connection, now=now)
        self.last_connection = served or 0
        return served is not None or bool(repeated)
