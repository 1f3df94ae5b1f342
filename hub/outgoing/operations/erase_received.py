"""Erase the contents of events that a connection received, at the customer's request.

The rows of the events are kept, as history. An event that another connection has not delivered yet
keeps its contents until then; the sweep erases them later. Requests sent over another connection
are contents of that connection, and erased with it.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef

from hub.connections.models import Connection
from hub.outgoing.models import (
    Delivery,
    Event,
    EventBody,
    EventValue,
    ReceivedDataErasure,
)

EVENTS_AT_ONCE = 1000  # of one step
ERASURES_AT_ONCE = 5  # of one step
UNFINISHED_STATES = ("waiting", "sending", "held")  # deliveries that need the event's contents
# until the next look at events that wait for deliveries; and until a transaction that published
# during the erasure has ended
ERASURE_RECHECK_DELAY = timedelta(minutes=10)


def erase_received_events(connection: Connection, *, now: datetime) -> None:
    """Erase the events that a connection has received so far, in the caller's transaction.

    At most EVENTS_AT_ONCE; the sweep erases the others.
    """
    erasure, _created = ReceivedDataErasure.unscoped.update_or_create(
        connection=connection, defaults={"erased_at": now, "due_at": now}
    )
    _erase_next_events(erasure, now=now)


@transaction.atomic
def continue_erasures(*, now: datetime) -> None:
    """Erase the next events of erasures that are due; a step of the sweep."""
    due = ReceivedDataErasure.unscoped.filter(due_at__lte=now).order_by("due_at")
    for erasure in due.select_for_update(skip_locked=True, no_key=True)[:ERASURES_AT_ONCE]:
        _erase_next_events(erasure, now=now)


def _erase_next_events(erasure: ReceivedDataErasure, *, now: datetime) -> None:
    """Erase a batch of events, and set when to continue; delete the erasure at its end."""
    with_contents = Event.unscoped.filter(
        Exists(EventBody.objects.filter(pk=OuterRef("pk"))),
        origin=erasure.connection_id,
        accepted_at__lte=erasure.erased_at,
    )
    unfinished = Delivery.unscoped.filter(event=OuterRef("pk"), state__in=UNFINISHED_STATES)
    ready = with_contents.filter(~Exists(unfinished)).order_by("pk")
    ids = list(ready.values_list("pk", flat=True)[:EVENTS_AT_ONCE])
    EventBody.objects.filter(pk__in=ids).delete()
    EventValue.unscoped.filter(event__in=ids).delete()
    is_settled = now >= erasure.erased_at + ERASURE_RECHECK_DELAY
    if is_settled and not with_contents.exists():
        erasure.delete()
        return
    erasure.due_at = now if len(ids) == EVENTS_AT_ONCE else now + ERASURE_RECHECK_DELAY
    erasure.save(update_fields=["due_at"])
