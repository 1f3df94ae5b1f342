"""Notify people of gaps whose cause lasts; a step of the sweep."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from hub.connections.models import DISCONNECTED
from hub.incoming.gaps.reports import LASTING_MESSAGE, notify_lasting_gap
from hub.incoming.models import InboundGap
from hub.incoming.watch.wider_causes import is_watching_allowed
from hub.notices.models import Notice

LASTING_AFTER = timedelta(minutes=10)  # most causes are repaired by the hub before
GAPS_AT_ONCE = 100


def notify_lasting_gaps(*, now: datetime) -> int:
    """Create a notice for each connection with a gap that lasts; return how many.

    It is resolved when the gap ends. A connection has one at a time, as its sources mostly fail
    together.
    """
    lasting = _select_lasting(now=now)
    if not lasting.exists() or not is_watching_allowed():
        return 0
    gaps = lasting.select_related("connection").order_by("-from_at")[:GAPS_AT_ONCE]
    by_connection = {gap.connection_id: gap for gap in gaps}  # the oldest of each
    for gap in by_connection.values():
        with transaction.atomic():
            notify_lasting_gap(gap, now=now)
    return len(by_connection)


def _select_lasting(*, now: datetime) -> QuerySet[InboundGap]:
    """Return the gaps that have lasted for a while, of connections without such a notice."""
    noticed = Notice.unscoped.filter(
        connection=OuterRef("connection"), message=LASTING_MESSAGE, resolved_at=None
    )
    gaps = InboundGap.unscoped.filter(
        state__in=InboundGap.UNFINISHED_STATES, to_at=None, opened_at__lte=now - LASTING_AFTER
    )
    return gaps.exclude(Exists(noticed)).exclude(
        connection__state="disabled", connection__reason=DISCONNECTED
    )
