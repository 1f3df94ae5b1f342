"""Pairs of records: a record that was created for another system's record is updated from then on.

A pair is stored as two identities: one of the created record at its connection, and one of the
original record at the connection of its event. Their kind is the object, such as person or lead.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

import structlog
from django.db import transaction

from connectors.http import load_json
from hub.audit import ActorContext
from hub.connections.models import Connection
from hub.mappings.identity_pairs import (
    Pair,
    divide_pairs,
    find_pair_problems,
    lock_identities,
    set_identities,
)
from hub.mappings.models import Identity
from hub.outgoing.models import Delivery, EventBody, RememberedWrite

log = structlog.get_logger(__name__)

BATCH_SIZE = 100  # writes of one call


def has_due_pairs() -> bool:
    return RememberedWrite.unscoped.filter(is_pair_due=True).exists()


def store_due_pairs(*, now: datetime) -> bool:
    """Store the next pairs of records that were created; return whether more may be due.

    Each connection has one transaction, so that two are never locked at once. One for each pair
    would leave SQLite's write lock to no other process for as long as pairs are due.
    """
    due = RememberedWrite.unscoped.filter(is_pair_due=True).order_by("pk")
    writes = list(due.select_related("connection")[:BATCH_SIZE])
    for connection, pairs in _list_pairs(writes).items():
        _confirm_pairs(connection, pairs, now=now)
    stored = RememberedWrite.unscoped.filter(pk__in=[write.pk for write in writes])
    stored.update(is_pair_due=False)
    return len(writes) == BATCH_SIZE


def _list_pairs(writes: Sequence[RememberedWrite]) -> Mapping[Connection, Sequence[Pair]]:
    """Return the pairs of both connections of each write, in a fixed number of queries."""
    deliveries = Delivery.unscoped.select_related("event__origin").in_bulk(
        [write.delivery_id for write in writes]
    )
    bodies = EventBody.objects.in_bulk({delivery.event_id for delivery in deliveries.values()})
    pairs: dict[Connection, list[Pair]] = defaultdict(list)
    for write in writes:
        delivery = deliveries.get(write.delivery_id)
        event = delivery.event if delivery else None
        if event and event.origin and (record := _find_record(bodies.get(event.pk))):
            object = event.type.split(".")[1]
            source = Identity.Source.CREATED
            pairs[write.connection].append(Pair(write.object, record, write.record, source=source))
            pairs[event.origin].append(Pair(object, write.record, record, source=source))
    return pairs


@transaction.atomic
def _confirm_pairs(connection: Connection, pairs: Sequence[Pair], *, now: datetime) -> None:
    """Store the identities, except of records with another identity that must be unique.

    Of several pairs of one record of ours the last one is stored.
    """
    lock_identities(connection)
    latest = {pair.local_key: pair for pair in pairs}
    valid = [pair for pair in latest.values() if not find_pair_problems(connection, pair)]
    free, _problems = divide_pairs(connection, valid)
    for pair in latest.values():
        if pair not in free:
            log.warning("record_pair.taken", connection=str(connection.public_id), kind=pair.kind)
    if free:
        set_identities(connection, free, ActorContext.system(), now=now)


def _find_record(body: EventBody | None) -> str:
    """Return the id of the record that an event is about; "" if it contains none."""
    id = load_json(bytes(body.body))["data"].get("id") if body else None
    return str(id)[:200] if isinstance(id, str | int) else ""
