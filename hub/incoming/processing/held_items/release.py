"""Release held items whose cause has ended, and end those that need not wait any longer."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from hub.audit import ActorContext
from hub.connections.models import DISCONNECTED, Connection
from hub.incoming.models import InboundItem
from hub.incoming.processing.attribution import (
    DISCONNECT_FINAL,
    DISCONNECT_PENDING,
    HOLD_REASONS,
    STATE_REASONS,
)
from hub.incoming.processing.due_items import ARRIVAL_ORDER
from hub.processes.failpoints import failpoint
from hub.queue import wake_loop

MAX_CONNECTIONS, MAX_ITEMS = 100, 1000  # of one step
MAX_OLD_ITEMS = 500  # of one step
MAX_FINAL_DISCONNECTS = 20  # of one step
HELD_TOO_LONG = "held_too_long"


@transaction.atomic
def release_held_items(*, now: datetime) -> int:
    """Return held items to the inbox whose connection, tenant or switch no longer holds them.

    A step of the sweep; returns their number. The inbox checks them again, as another cause may
    hold them.
    """
    held_items = InboundItem.unscoped.filter(state="held", reason__in=HOLD_REASONS)
    connections = [
        *select_usable_connections(held_items)[:MAX_CONNECTIONS],
        *select_undone_connections(held_items)[:MAX_CONNECTIONS],
    ]
    if not connections:
        return 0
    oldest = held_items.filter(connection__in=connections).order_by(*ARRIVAL_ORDER)[:MAX_ITEMS]
    rows = held_items.filter(pk__in=list(oldest.values_list("pk", flat=True)))
    count = rows.update(state="received", reason="", attempt_count=0, state_changed_at=now)
    wake_loop("inbox", now=now)
    failpoint("R5")  # before the commit
    transaction.on_commit(lambda: failpoint("R6"))
    return count


def select_usable_connections(held_items: QuerySet[InboundItem]) -> QuerySet[Connection, int]:
    """Select the ids of connections that have held items and are not held themselves."""
    usable = Connection.unscoped.exclude(state__in=STATE_REASONS).filter(
        tenant__suspended_at=None, lane__switched_off_by=""
    )
    has_held = Exists(held_items.filter(connection=OuterRef("pk")))
    return usable.filter(has_held).order_by("pk").values_list("pk", flat=True)


def select_undone_connections(held_items: QuerySet[InboundItem]) -> QuerySet[Connection, int]:
    """Select the ids of connections whose items waited for an undo, and that are not disconnected.

    Such a connection may have been paused meanwhile: its items then get that reason.
    """
    pending = held_items.filter(reason=DISCONNECT_PENDING, connection=OuterRef("pk"))
    connected = Connection.unscoped.exclude(state="disabled", reason=DISCONNECTED)
    return connected.filter(Exists(pending)).order_by("pk").values_list("pk", flat=True)


def queue_behind_earlier_items(rows: Sequence[InboundItem], *, now: datetime) -> list[InboundItem]:
    """Return the new rows that would overtake earlier ones of their connection.

    One query. If earlier items are still held although their connection is not, the new ones are
    held for the same reason. If the earlier ones were released and are not published yet, the new
    ones stay in the inbox. Replays are exempt, as their order does not matter.
    """
    received = [row for row in rows if row.state == "received" and row.connection_id]
    if not received:
        return []
    earlier = InboundItem.unscoped.filter(connection=OuterRef("pk")).exclude(
        message__in={row.message_id for row in received}
    )
    held = earlier.filter(state="held", reason__in=HOLD_REASONS)
    released = earlier.filter(state="received", attempt_count=0, replay_number=0).exclude(type="")
    connections = Connection.unscoped.filter(
        pk__in={row.connection_id for row in received}
    ).annotate(held_reason=Subquery(held.values("reason")[:1]), has_released=Exists(released))
    behind = connections.filter(Q(held_reason__isnull=False) | Q(has_released=True))
    reasons = dict(behind.values_list("pk", "held_reason"))
    waiting = [row for row in received if row.connection_id in reasons]
    for row in waiting:
        if reason := reasons[row.connection_id or 0]:
            row.state, row.reason, row.state_changed_at = "held", reason, now
    return waiting


@transaction.atomic
def discard_items_of_final_disconnects(*, now: datetime) -> int:
    """Skip the items that arrived after a disconnect, once the disconnect is final.

    A step of the sweep; returns their number, and audits it for each connection. While the row of
    the disconnect exists, an undo may be in progress.
    """
    held_items = InboundItem.unscoped.filter(state="held", reason=DISCONNECT_PENDING)
    final = Connection.unscoped.filter(
        state="disabled", reason=DISCONNECTED, disconnection=None
    ).filter(Exists(held_items.filter(connection=OuterRef("pk"))))
    total = 0
    for connection in final.select_related("tenant").order_by("pk")[:MAX_FINAL_DISCONNECTS]:
        oldest = held_items.filter(connection=connection).order_by("pk")[:MAX_ITEMS]
        rows = held_items.filter(pk__in=list(oldest.values_list("pk", flat=True)))
        count = rows.update(state="skipped", reason=DISCONNECT_FINAL, state_changed_at=now)
        ActorContext.system().audit(
            "connection.discard_webhooks",
            connection,
            tenant=connection.tenant,
            after={"items": count},
            now=now,
        )
        total += count
    return total


def end_old_holds(*, now: datetime) -> int:
    """Quarantine items that are held for longer than bodies are stored; a step of the sweep.

    Returns their number. Their content is then deleted like that of other items.
    """
    cutoff = now - timedelta(days=settings.HUB_KEEP_BODIES_DAYS)
    oldest = InboundItem.unscoped.filter(state="held").order_by("pk")
    ages = list(oldest.values_list("pk", "received_at")[:MAX_OLD_ITEMS])
    old = [pk for pk, received_at in ages if received_at <= cutoff]
    if not old:
        return 0
    held_items = InboundItem.unscoped.filter(pk__in=old, state="held")
    return held_items.update(state="quarantined", reason=HELD_TOO_LONG, state_changed_at=now)
