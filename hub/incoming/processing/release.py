"""Release held items whose cause has ended."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from hub.incoming.models import InboundItem
from hub.incoming.processing.attribution import HOLD_REASONS
from hub.incoming.processing.inbox_lease import wake_inbox

BATCH_SIZE = 1000  # items of one step

STILL_HELD = (
    Q(connection__state__in=("paused", "disabled"))
    | Q(tenant__suspended_at__isnull=False)
    | ~Q(connection__lane__switched_off_by="")
)


@transaction.atomic
def release_held_items(*, now: datetime) -> int:
    """Return held items to the inbox whose connection, tenant or switch holds them no longer.

    A step of the sweep; returns how many. The inbox decides again: another cause may hold them.
    """
    held = InboundItem.unscoped.filter(state="held", reason__in=HOLD_REASONS)
    released = held.exclude(STILL_HELD).order_by("pk").values_list("pk", flat=True)
    rows = InboundItem.unscoped.filter(pk__in=list(released[:BATCH_SIZE]), state="held")
    count = rows.update(state="received", reason="", state_changed_at=now)
    if count:
        wake_inbox(now=now)
    return count
