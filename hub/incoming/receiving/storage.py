"""Store received webhooks: the messages of a batch share a transaction."""

from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import datetime

from django.db import Error
from django.db import connection as database

from hub.db import bulk
from hub.db.write_lock import prompt_transaction
from hub.incoming.models import InboundCount, InboundMessage
from hub.incoming.processing.inbox_waker import InboxWaker
from hub.incoming.receiving.accepted_messages import (
    SHORT_LOCK_TIMEOUT,
    ReceivedMessage,
    insert_accepted,
)
from hub.incoming.receiving.counts import ACCEPTED, NOT_REJECTED, EndpointMinute, add_counts
from hub.processes.failpoints import failpoint

MAX_REJECTED_ROWS = 60  # a minute and endpoint; further ones are counted only


def store_messages(received: Sequence[ReceivedMessage]) -> list[str]:
    """Store messages in one transaction; return the result of each: `duplicate` for a repetition.

    If an exception is raised, nothing was stored.
    """
    accepted = [entry for entry in received if entry.result == ACCEPTED]
    others = [entry for entry in received if entry.result != ACCEPTED]
    with _transaction(others):
        failpoint("R1")  # before the commit
        # counts of accepted messages come first in every transaction: no deadlock of two
        results = iter(insert_accepted(accepted, are_requests=True))
        _store_others(others)
    failpoint("R2")  # after the commit, before the acknowledgement
    if accepted:
        wake_inbox_after_commit(now=max(entry.message.received_at for entry in accepted))
    return [next(results) if entry.result == ACCEPTED else entry.result for entry in received]


def _transaction(others: Collection[ReceivedMessage]) -> AbstractContextManager[None]:
    """Return a transaction; accepted messages alone are one statement on PostgreSQL."""
    if database.vendor == "postgresql" and not others:
        return nullcontext()
    return prompt_transaction()


def wake_inbox_after_commit(*, now: datetime) -> None:
    """Start an inbox loop if none runs; without a database the sweep starts one later."""
    with suppress(Error):
        INBOX_WAKER.wake(now=now)


INBOX_WAKER = InboxWaker()


def _store_others(others: Sequence[ReceivedMessage]) -> None:
    """Count requests that were not accepted, and insert the rejected ones."""
    if not others:
        return
    if database.vendor == "postgresql":
        with database.cursor() as cursor:
            cursor.execute(f"SELECT {SHORT_LOCK_TIMEOUT}")
    add_counts(Counter((entry.endpoint_minute, entry.result) for entry in others))
    _insert_rejected([entry for entry in others if entry.result not in NOT_REJECTED])


def _insert_rejected(rejected: Sequence[ReceivedMessage]) -> None:
    """Insert a row for each rejected request, at most MAX_REJECTED_ROWS a minute and endpoint.

    The counts of the minute, which include them already, determine how many may be inserted.
    """
    if not rejected:
        return
    by_minute: dict[EndpointMinute, list[InboundMessage]] = {}
    for entry in rejected:
        by_minute.setdefault(entry.endpoint_minute, []).append(entry.message)
    totals = _sum_rejections(by_minute)
    rows = []
    for key, messages in by_minute.items():
        before = totals[key] - len(messages)
        rows += messages[: max(0, MAX_REJECTED_ROWS - before)]
    if rows:
        bulk.insert_rows(InboundMessage, bulk.column_values(InboundMessage, rows))


def _sum_rejections(keys: Collection[EndpointMinute]) -> Counter[EndpointMinute]:
    """Return how many requests were rejected, by endpoint and minute; one statement."""
    counts = InboundCount.unscoped.filter(
        endpoint__in={endpoint for endpoint, _ in keys}, minute__in={minute for _, minute in keys}
    ).exclude(cause__in=NOT_REJECTED)
    totals: Counter[EndpointMinute] = Counter()
    for endpoint_id, minute, count in counts.values_list("endpoint", "minute", "count"):
        totals[endpoint_id, minute] += count
    return totals
