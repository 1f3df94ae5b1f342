"""Store received webhooks: the messages of concurrent requests share a transaction."""

import zlib
from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import Error, transaction
from django.db import connection as database
from django.db.models import Sum

from hub.db import bulk
from hub.db.group_commit import GroupCommit
from hub.incoming.models import InboundBody, InboundCount, InboundMessage
from hub.incoming.processing.inbox_lease import InboxWaker
from hub.processes.failpoints import failpoint

GROUP_SIZE = 100  # messages of as many requests, in one transaction
COMPRESSION_LEVEL = 1
ACCEPTED, DUPLICATE = "accepted", "duplicate"
DISCONNECTED = "disconnected"  # answered with 410; counted, and no row
NOT_REJECTED = (ACCEPTED, DUPLICATE, DISCONNECTED)
MAX_REJECTED_ROWS = 60  # a minute and endpoint; further ones are counted only

# together and then alone, a message waits for less than two seconds
SHORT_LOCK_TIMEOUT = "SET LOCAL lock_timeout = '700ms'"

COUNT_SQL = """
INSERT INTO incoming_inboundcount (endpoint_id, minute, cause, count) VALUES (%s, %s, %s, %s)
ON CONFLICT (endpoint_id, minute, cause)
DO UPDATE SET count = incoming_inboundcount.count + excluded.count
"""

EndpointMinute = tuple[int, datetime]


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """A verified or rejected request, ready to be stored.

    `result` is `accepted`, `disconnected`, or the cause of a rejection, whose body is not stored.
    """

    message: InboundMessage
    body: bytes
    result: str


def store_messages(received: Sequence[ReceivedMessage]) -> list[str]:
    """Store messages in one transaction; return the result of each: `duplicate` for a repetition.

    If an exception is raised, nothing was stored.
    """
    with transaction.atomic():
        _limit_lock_waits()
        accepted = [entry for entry in received if entry.result == ACCEPTED]
        ids = insert_accepted(accepted)
        results = [_find_result(entry, ids) for entry in received]
        _add_counts(received, results)
        _insert_rejected([entry for entry in received if entry.result not in NOT_REJECTED])
        failpoint("R1")  # before the commit
    failpoint("R2")  # after the commit, before the acknowledgement
    if ACCEPTED in results:
        wake_inbox_after_commit(now=max(entry.message.received_at for entry in received))
    return results


def _limit_lock_waits() -> None:
    """Limit waits for rows that another process has locked: the system rather tries again."""
    if database.vendor == "postgresql":
        with database.cursor() as cursor:
            cursor.execute(SHORT_LOCK_TIMEOUT)


def wake_inbox_after_commit(*, now: datetime) -> None:
    """Start an inbox loop if none runs; if the database connection is lost, the sweep starts one
    later.
    """
    with suppress(Error):
        INBOX_WAKER.wake(now=now)


INBOX_WAKER = InboxWaker()
store_message = GroupCommit(store_messages, max_batch=GROUP_SIZE)


def _find_result(entry: ReceivedMessage, ids: dict[tuple[int, str], InboundMessage]) -> str:
    if entry.result != ACCEPTED:
        return entry.result
    message = entry.message
    is_first = ids.get((message.endpoint_id, message.message_key)) is message
    return ACCEPTED if is_first else DUPLICATE


def insert_accepted(
    accepted: Sequence[ReceivedMessage],
) -> dict[tuple[int, str], InboundMessage]:
    """Insert the messages that are new with their bodies; return them by endpoint and key."""
    first: dict[tuple[int, str], ReceivedMessage] = {}
    for entry in accepted:
        first.setdefault((entry.message.endpoint_id, entry.message.message_key), entry)
    if not first:
        return {}
    messages = [entry.message for entry in first.values()]
    inserted = bulk.insert_missing_rows(
        InboundMessage,
        bulk.column_values(InboundMessage, messages),
        ("endpoint", "message_key", "id"),
    )
    stored = {}
    for endpoint_id, key, pk in inserted:
        entry = first[endpoint_id, key]
        entry.message.pk = pk
        stored[endpoint_id, key] = entry
    if stored:
        bulk.insert_rows(
            InboundBody,
            {
                "message_id": [entry.message.pk for entry in stored.values()],
                "body": [zlib.compress(entry.body, COMPRESSION_LEVEL) for entry in stored.values()],
            },
        )
    return {key: entry.message for key, entry in stored.items()}


def _insert_rejected(rejected: Sequence[ReceivedMessage]) -> None:
    """Insert a row for each rejected request, at most MAX_REJECTED_ROWS a minute and endpoint.

    The counts of the minute, which include them already, determine how many may be inserted.
    """
    if not rejected:
        return
    by_minute: dict[EndpointMinute, list[InboundMessage]] = {}
    for entry in rejected:
        key = entry.message.endpoint_id, truncate_to_minute(entry.message.received_at)
        by_minute.setdefault(key, []).append(entry.message)
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


def _add_counts(received: Sequence[ReceivedMessage], results: Sequence[str]) -> None:
    counts = Counter(
        (entry.message.endpoint_id, truncate_to_minute(entry.message.received_at), result)
        for entry, result in zip(received, results, strict=True)
    )
    adapt = database.ops.adapt_datetimefield_value
    rows = [
        (endpoint_id, adapt(minute), cause, count)
        for (endpoint_id, minute, cause), count in sorted(counts.items())
    ]
    bulk.execute_many(COUNT_SQL, rows)


def truncate_to_minute(moment: datetime) -> datetime:
    return moment - timedelta(seconds=moment.second, microseconds=moment.microsecond)


def count_by_cause(*, since: datetime) -> Counter[tuple[str, str]]:
    """Return how many requests there were since a minute, by connector and result."""
    counts: Counter[tuple[str, str]] = Counter()
    groups = InboundCount.unscoped.filter(minute__gte=since).order_by()
    totals = groups.values_list("endpoint__connector_key", "cause").annotate(Sum("count"))
    for connector_key, cause, count in totals:
        counts[connector_key, cause] += count
    return counts
