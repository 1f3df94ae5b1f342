"""Pairs of records: a record that was created for another system's record is updated from then on.

A pair is stored as two identities: one of the created record at its connection, and one of the
original record at the connection of its event. Their kind is the object, such as person or lead.
"""

from datetime import datetime

import structlog
from django.core.exceptions import ValidationError

from connectors.http import load_json
from hub.audit import ActorContext
from hub.connections.models import Connection
from hub.mappings.identity_pairs import set_identity
from hub.mappings.models import Identity
from hub.outgoing.models import Delivery, Event, EventBody, RememberedWrite
from hub.queue import report_progress

log = structlog.get_logger(__name__)

PAIRS_LIMIT = 500  # of one call


def has_due_pairs() -> bool:
    return RememberedWrite.unscoped.filter(is_pair_due=True).exists()


def store_due_pairs(*, now: datetime) -> None:
    """Store the pairs of the records that were created.

    Each identity is stored in its own transaction, so that two connections are never locked at
    once.
    """
    due = RememberedWrite.unscoped.filter(is_pair_due=True).order_by("pk")
    for write in due.select_related("connection")[:PAIRS_LIMIT]:
        report_progress()
        _store_pair(write, now=now)


def _store_pair(write: RememberedWrite, *, now: datetime) -> None:
    deliveries = Delivery.unscoped.select_related("event__origin")
    delivery = deliveries.filter(pk=write.delivery_id).first()
    event = delivery.event if delivery else None
    if event and event.origin and (record := _find_record(event)):
        object, actor = event.type.split(".")[1], ActorContext.system()
        _confirm_pair(write.connection, write.object, record, write.record, actor, now=now)
        _confirm_pair(event.origin, object, write.record, record, actor, now=now)
    RememberedWrite.unscoped.filter(pk=write.pk).update(is_pair_due=False)


def _confirm_pair(
    connection: Connection,
    kind: str,
    local_id: str,
    remote_id: str,
    actor: ActorContext,
    *,
    now: datetime,
) -> None:
    """Store the identity, unless the other record has another identity that must be unique."""
    try:
        source = Identity.Source.CREATED
        set_identity(connection, kind, local_id, remote_id, actor, source=source, now=now)
    except ValidationError:
        log.warning("record_pair.taken", connection=str(connection.public_id), kind=kind)


def _find_record(event: Event) -> str:
    """Return the id of the record that an event is about; "" if it contains none."""
    body = EventBody.objects.filter(pk=event.pk).first()
    id = load_json(bytes(body.body))["data"].get("id") if body else None
    return str(id)[:200] if isinstance(id, str | int) else ""
