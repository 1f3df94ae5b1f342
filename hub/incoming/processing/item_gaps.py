"""Open gaps for what arrived and could not be processed, or was not sent by the system."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from hub.incoming.gaps import find_sources, open_gap
from hub.incoming.models import InboundGap, InboundItem
from hub.incoming.processing.message_rows import MESSAGE_FAILED
from hub.incoming.processing.parsing import UNREADABLE_REASON

LEAST_OVERLAP = timedelta(minutes=2)
MINUTE = timedelta(minutes=1)
Window = tuple[int, str, datetime, datetime]  # connection, cause, begin and end
RATE_LIMITED_TYPE = "app.rate_limited"  # the system did not send the events of this minute


def open_gaps_of_items(rows: Sequence[InboundItem], *, now: datetime) -> None:
    """Open the gaps of new items; runs in the transaction that stores them.

    What could not be read may tell of any object of its connection, at any time since the system
    first tried to send it. The items of one message have the same gaps. Connections are processed
    in the order of their keys, as their sources are locked.
    """
    details: dict[Window, str] = {}
    for row in rows:
        if (window := _find_window(row)) is not None:
            details.setdefault(window, row.detail)
    for window in sorted(details):
        connection_id, cause, from_at, to_at = window
        for source in find_sources(connection_id):
            open_gap(source, cause, from_at=from_at, to_at=to_at, detail=details[window], now=now)


def _find_window(row: InboundItem) -> Window | None:
    """Return the gap of an item, up to a minute after it arrived or happened; None: it has none."""
    if row.connection is None:
        return None
    to_at = (row.occurred_at or row.received_at) + MINUTE
    if row.type == f"{row.connector_key}.{RATE_LIMITED_TYPE}" and row.occurred_at:
        return row.connection.pk, InboundGap.Cause.RATE_LIMITED, row.occurred_at, to_at
    if row.state == "quarantined" and row.reason in (UNREADABLE_REASON, MESSAGE_FAILED):
        source = row.connection.connector.webhook_source
        retries = timedelta(seconds=source.retry_period_seconds if source else 0)
        from_at = row.received_at - max(retries, LEAST_OVERLAP)
        return row.connection.pk, InboundGap.Cause.QUARANTINED, from_at, to_at
    return None
