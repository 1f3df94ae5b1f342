"""Erase what was sent over a connection and what came back, at its customer's wish; that it was sent stays known."""

from datetime import datetime

from django.db import transaction
from django.db.models import Max

from hub.connections.models import Connection
from hub.mappings.models import Identity
from hub.operations import start
from hub.operations.models import Operation
from hub.operations.run import Batch
from hub.operations.start import Hand
from hub.outgoing.batches import go_on, of
from hub.outgoing.models import UNSENT, Attempt, Delivery, Exchange, Rendering

COUNTED = 10_000  # beyond that it is "more than"


@transaction.atomic
def erase(connection: Connection, hand: Hand, *, cancel: bool, now: datetime) -> Operation | None:
    """Identities at once, contents in the background; what waits is cancelled with it, or keeps what it needs."""
    Identity.unscoped.filter(connection=connection).delete()
    rows = Delivery.objects.of(connection.tenant).filter(connection=connection)
    count, last = rows.order_by()[: COUNTED + 1].count(), rows.aggregate(last=Max("pk"))["last"]
    if not count:
        return None
    operation = start.keep(
        hand,
        kind="erase",
        filter={"connection": str(connection.public_id), "cancel": cancel},
        tenant=connection.tenant,
        reason="it was disconnected",
        count=min(count, COUNTED),
        more=count > COUNTED,
        last=last,
        now=now,
    )
    start.confirm(operation, hand, now=now)
    return operation


def erase_some(operation: Operation, size: int, *, now: datetime) -> Batch:
    """A batch of an operation."""
    rows = Delivery.objects.of(operation.tenant).filter(connection__public_id=operation.filter["connection"])
    beyond = rows.filter(pk__gt=operation.cursor, pk__lte=operation.last).order_by("pk")
    meant = list(beyond.select_for_update(of=("self",), no_key=True)[:size])
    if not meant:
        return Batch(None)
    if operation.filter["cancel"]:
        stopped = [row for row in meant if row.state in UNSENT]
        of(stopped).update(state="cancelled", due_at=None, state_changed_at=now)
        go_on(stopped, now=now)
    moving = () if operation.filter["cancel"] else UNSENT
    ids = [row.pk for row in meant if row.state not in (*moving, "sending")]
    tries = Attempt.unscoped.filter(delivery__in=ids)
    Exchange.objects.filter(pk__in=tries.filter(exchange__isnull=False).values_list("exchange", flat=True)).delete()
    tries.update(detail="")
    Rendering.objects.filter(pk__in=ids).delete()
    Delivery.unscoped.filter(pk__in=ids).update(detail="")
    return Batch(meant[-1].pk, len(ids), len(meant) - len(ids))
