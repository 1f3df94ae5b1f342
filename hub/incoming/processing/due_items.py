"""Claim stored items that are due to be processed again, in turns between their connections."""

from collections.abc import Sequence

from django.db import transaction
from django.db.models import F, QuerySet

from hub.db import bulk
from hub.incoming.models import InboundItem

BATCH_SIZE = 100  # items of one transaction
MAX_CONNECTIONS = 50  # of one batch

CONNECTIONS_SQL = """
WITH RECURSIVE due(connection_id) AS (
    SELECT min(connection_id) FROM incoming_inbounditem
    WHERE state = 'received' AND attempt_count = 0 AND type <> '' AND connection_id > %s
    UNION ALL
    SELECT (
        SELECT min(i.connection_id) FROM incoming_inbounditem i
        WHERE i.state = 'received' AND i.attempt_count = 0 AND i.type <> ''
          AND i.connection_id > due.connection_id
    )
    FROM due WHERE due.connection_id IS NOT NULL
)
SELECT connection_id FROM due WHERE connection_id IS NOT NULL LIMIT %s
"""
CANDIDATES_SQL = """SELECT id FROM (
    SELECT id FROM incoming_inbounditem
    WHERE state = 'received' AND attempt_count = 0 AND type <> '' AND connection_id = %s
    ORDER BY message_id, position LIMIT %s
) AS candidates"""
ARRIVAL_ORDER = ("message_id", "position")  # the items of a batch are not inserted in their order


def due_items() -> QuerySet[InboundItem]:
    """Return a queryset of the items due to be processed again.

    Items that represent a whole message are left out: they follow the message.
    """
    return InboundItem.unscoped.filter(state="received").exclude(type="")


def list_connections(*, after: int) -> list[int]:
    """Return the connections with due items: those after `after`, then those before it."""
    behind = [pk for (pk,) in bulk.query_rows(CONNECTIONS_SQL, [after, MAX_CONNECTIONS])]
    if after and len(behind) < MAX_CONNECTIONS:
        wrapped = bulk.query_rows(CONNECTIONS_SQL, [0, MAX_CONNECTIONS])
        behind += [pk for (pk,) in wrapped if pk <= after]
    return behind[:MAX_CONNECTIONS]


def list_candidates(connections: Sequence[int]) -> list[int]:
    """Return the ids of the next due items, evenly from each connection, in one query."""
    if not connections:
        return []
    limit = max(1, BATCH_SIZE // len(connections))
    parameters = [value for connection in connections for value in (connection, limit)]
    rows = bulk.query_rows(" UNION ALL ".join([CANDIDATES_SQL] * len(connections)), parameters)
    return [pk for (pk,) in rows]


def count_attempt(items: QuerySet[InboundItem], *, limit: int) -> list[int]:
    """Count an attempt of the next items before it begins, and return their ids.

    An item that crashes the process is therefore tried alone afterwards.
    """
    if not items.exists():  # no transaction: on SQLite it keeps all others waiting
        return []
    with transaction.atomic():
        locked = items.order_by(*ARRIVAL_ORDER).select_for_update(skip_locked=True, no_key=True)
        ids = list(locked.values_list("pk", flat=True)[:limit])
        if ids:
            InboundItem.unscoped.filter(pk__in=ids).update(attempt_count=F("attempt_count") + 1)
        return ids


def uncount_attempt(ids: Sequence[int]) -> None:
    """Let items be processed again without counting the attempt."""
    tried = due_items().filter(pk__in=ids, attempt_count__gt=0)
    tried.update(attempt_count=F("attempt_count") - 1)
