"""Open gaps for what arrived and could not be processed, or was not sent by the system."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from hub.incoming.gaps import find_sources, open_gap
from hub.incoming.models import InboundGap, InboundItem
from hub.incoming.processing.message_rows import MESSAGE_FAILED
from hub.incoming.processing.parsing import UNREADABLE_REASON

LEAST_OVERLAP = timedelta(minutes=2)
MINUTE = timedelta(minutes=1)
RATE_LIMITED_TYPE = "app.rate_limited"  # the system did not send the events of this minute


def open_gaps_of_items(rows: Sequence[InboundItem], *, now: datetime) -> None:
    """Open the gaps of new items; runs in the transaction that stores them.

    What could not be read may tell of any object of its connection, at any time since the system
    first tried to send it.
    """
    for row in rows:
        if row.connection is None:
            continue
        if row.type == f"{row.connector_key}.{RATE_LIMITED_TYPE}" and row.occurred_at:
            _open(row, InboundGap.Cause.RATE_LIMITED, row.occurred_at, now=now)
        elif row.state == "quarantined" and row.reason in (UNREADABLE_REASON, MESSAGE_FAILED):
            source = row.connection.connector.webhook_source
            retries = timedelta(seconds=source.retry_period_seconds if source else 0)
            from_at = row.received_at - max(retries, LEAST_OVERLAP)
            _open(row, InboundGap.Cause.QUARANTINED, from_at, now=now)


def _open(row: InboundItem, cause: str, from_at: datetime, *, now: datetime) -> None:
    """Open the gaps of the item's connection, up to a minute after it arrived or happened."""
    to_at = (row.occurred_at or row.received_at) + MINUTE
    for source in find_sources(row.connection_id or 0):
        open_gap(source, cause, from_at=from_at, to_at=to_at, detail=row.detail, now=now)
