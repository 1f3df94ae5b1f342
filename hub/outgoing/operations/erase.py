"""Erase the contents of requests and responses of a connection, at the customer's request."""

from datetime import datetime
from typing import Protocol

from django.db import transaction
from django.db.models import Max, Q

from hub.audit import ActorContext
from hub.audit.own_reasons import ACCOUNT_DISCONNECTED
from hub.connections.models import Connection
from hub.hooks import Hook
from hub.mappings.models import Identity
from hub.operations import operation_actions
from hub.operations.models import Operation
from hub.operations.operation_runner import BatchResult
from hub.outgoing.models import (
    CANCELLABLE_STATES,
    Attempt,
    Delivery,
    Exchange,
    RememberedWrite,
    Rendering,
)
from hub.outgoing.operations.delivery_actions import (
    DeliveryActionContext,
    cancel_deliveries,
    lock_deliveries,
)
from hub.outgoing.operations.erase_received import erase_received_events


class ConnectionEraser(Protocol):
    """Erases what a package stores of a connection's data, at the customer's request."""

    def __call__(self, connection: Connection, *, now: datetime) -> object: ...


CONNECTION_ERASED: Hook[ConnectionEraser] = Hook()
ERASE_COUNT_LIMIT = 10_000  # more are not counted


@transaction.atomic
def erase_connection_data(
    connection: Connection, actor: ActorContext, *, cancel: bool, now: datetime
) -> Operation | None:
    """Delete the identities and received contents at once, and erase sent contents by an operation.

    Received contents that another connection still has to deliver are erased afterwards. Waiting
    deliveries are cancelled, or keep the contents that they need to be sent.
    """
    Identity.unscoped.filter(connection=connection).delete()
    RememberedWrite.unscoped.filter(connection=connection).delete()
    for erase in CONNECTION_ERASED:
        erase(connection, now=now)
    erase_received_events(connection, now=now)
    deliveries = Delivery.objects.of(connection.tenant).filter(connection=connection)
    count, last = (
        deliveries.order_by()[: ERASE_COUNT_LIMIT + 1].count(),
        deliveries.aggregate(last=Max("pk"))["last"],
    )
    if not count:
        return None
    operation = operation_actions.store_plan(
        actor,
        kind="erase",
        filter={"connection": str(connection.public_id), "cancel": cancel},
        tenant=connection.tenant,
        reason=ACCOUNT_DISCONNECTED,
        count=min(count, ERASE_COUNT_LIMIT),
        more=count > ERASE_COUNT_LIMIT,
        last=last,
        now=now,
    )
    operation_actions.confirm_operation(operation, actor, now=now)
    return operation


def erase_batch(operation: Operation, size: int, *, now: datetime) -> BatchResult:
    """Erase one batch of an operation; deliveries that are being sent keep their contents."""
    deliveries = Delivery.objects.of(operation.tenant).filter(
        connection__public_id=operation.filter["connection"]
    )
    remaining = deliveries.filter(pk__gt=operation.cursor, pk__lte=operation.last).order_by("pk")
    batch_ids = list(remaining.values_list("pk", flat=True)[:size])
    if not batch_ids:
        return BatchResult(None)
    batch = lock_deliveries(Q(pk__in=batch_ids))
    if operation.filter["cancel"]:
        cancel_deliveries(batch, DeliveryActionContext(now))
    unsent_states = () if operation.filter["cancel"] else CANCELLABLE_STATES
    ids = [delivery.pk for delivery in batch if delivery.state not in unsent_states]
    attempts = Attempt.unscoped.filter(delivery__in=ids)
    Exchange.objects.filter(
        pk__in=attempts.filter(exchange__isnull=False).values_list("exchange", flat=True)
    ).delete()
    attempts.update(detail="")
    Rendering.objects.filter(pk__in=ids).delete()
    Delivery.unscoped.filter(pk__in=ids).update(detail="")
    return BatchResult(batch_ids[-1], len(ids), len(batch_ids) - len(ids))
