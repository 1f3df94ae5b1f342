"""Insert accepted messages with their bodies and counts: one statement on PostgreSQL."""

import zlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from django.db import connection as database

from hub.db import bulk
from hub.incoming.models import InboundBody, InboundMessage
from hub.incoming.receiving.counts import (
    ACCEPTED,
    ADD_COUNT,
    DUPLICATE,
    INSERT_COUNT,
    EndpointMinute,
    add_counts,
    truncate_to_minute,
)

COMPRESSION_LEVEL = 1

# together and then alone, a message waits for less than two seconds
SHORT_LOCK_TIMEOUT = "set_config('lock_timeout', '700ms', true)"  # in this transaction

# `requests`: the messages without repetitions; `copies`: how often the batch contains each
INSERT_WITH_BODIES = """
WITH inserted AS (
  {insert} ON CONFLICT DO NOTHING RETURNING id, endpoint_id, message_key
), requests AS (
  SELECT requests.*, inserted.id
  FROM unnest(%b::bigint[], %b::text[], %b::bytea[], %b::timestamptz[], %b::int[])
    AS requests (endpoint_id, message_key, body, minute, copies)
  LEFT JOIN inserted USING (endpoint_id, message_key)
), bodies AS (
  INSERT INTO incoming_inboundbody (message_id, body)
  SELECT id, body FROM requests WHERE id IS NOT NULL
)"""
INSERT_WITH_BODIES_AND_COUNTS = f"""
{INSERT_WITH_BODIES}, results AS (
  SELECT endpoint_id, minute, '{ACCEPTED}' AS cause, count(id) AS count
  FROM requests GROUP BY endpoint_id, minute
  UNION ALL
  SELECT endpoint_id, minute, '{DUPLICATE}', sum(copies) - count(id)
  FROM requests GROUP BY endpoint_id, minute
), counts AS (
  {INSERT_COUNT}
  SELECT * FROM results WHERE count > 0 ORDER BY endpoint_id, minute, cause {ADD_COUNT}
)"""
SELECT_INSERTED = "SELECT endpoint_id, message_key FROM inserted"

MessageKey = tuple[int, str]  # the endpoint's id and the message key


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """A verified or rejected request, ready to be stored.

    `result` is `accepted`, `disconnected`, or the cause of a rejection, whose body is not stored.
    """

    message: InboundMessage
    body: bytes
    result: str

    @property
    def key(self) -> MessageKey:
        return self.message.endpoint_id, self.message.message_key

    @property
    def endpoint_minute(self) -> EndpointMinute:
        return self.message.endpoint_id, truncate_to_minute(self.message.received_at)


def insert_accepted(received: Sequence[ReceivedMessage], *, are_requests: bool) -> list[str]:
    """Insert the messages that are new, with their bodies; return the result of each.

    `are_requests`: whether they were sent to us; then the endpoint counts them, and waits for locks
    are short. It is one statement on PostgreSQL; on SQLite it is to be called in a transaction.
    """
    if not received:
        return []
    first: dict[MessageKey, ReceivedMessage] = {}
    for entry in received:
        first.setdefault(entry.key, entry)
    if database.vendor == "postgresql":
        copies = Counter(entry.key for entry in received)
        inserted = _insert_in_one_statement(first, copies, are_requests=are_requests)
    else:
        inserted = _insert_by_table(first)
    results = [
        ACCEPTED if entry.key in inserted and first[entry.key] is entry else DUPLICATE
        for entry in received
    ]
    if are_requests and database.vendor != "postgresql":
        minutes = (entry.endpoint_minute for entry in received)
        add_counts(Counter(zip(minutes, results, strict=True)))
    return results


def _insert_in_one_statement(
    received: Mapping[MessageKey, ReceivedMessage],
    copies: Mapping[MessageKey, int],
    *,
    are_requests: bool,
) -> Collection[MessageKey]:
    """Insert messages, bodies and counts on PostgreSQL; return the keys of those that are new."""
    columns = bulk.column_values(InboundMessage, [entry.message for entry in received.values()])
    insert, parameters = bulk.build_insert(InboundMessage, columns)
    statement = INSERT_WITH_BODIES
    if are_requests:
        insert, statement = f"{insert}, {SHORT_LOCK_TIMEOUT}", INSERT_WITH_BODIES_AND_COUNTS
    values = (
        [endpoint_id for endpoint_id, _ in received],
        [message_key for _, message_key in received],
        [_compress(entry.body) for entry in received.values()],
        [truncate_to_minute(entry.message.received_at) for entry in received.values()],
        [copies[key] for key in received],
    )
    statement = f"{statement.format(insert=insert)} {SELECT_INSERTED}"
    rows = bulk.fetch_rows(statement, [*parameters, *values])
    return {(endpoint_id, message_key) for endpoint_id, message_key in rows}


def _insert_by_table(received: Mapping[MessageKey, ReceivedMessage]) -> Collection[MessageKey]:
    """Insert messages, then bodies; return the keys of those that are new."""
    columns = bulk.column_values(InboundMessage, [entry.message for entry in received.values()])
    rows = bulk.insert_missing_rows(InboundMessage, columns, ("endpoint", "message_key", "id"))
    ids = {(endpoint_id, message_key): pk for endpoint_id, message_key, pk in rows}
    bodies = [_compress(received[key].body) for key in ids]
    bulk.insert_rows(InboundBody, {"message_id": list(ids.values()), "body": bodies})
    return ids.keys()


def _compress(body: bytes) -> bytes:
    return zlib.compress(body, COMPRESSION_LEVEL)
