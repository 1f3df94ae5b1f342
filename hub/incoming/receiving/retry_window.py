"""Compute until when a system repeats a request that was rejected."""

from datetime import datetime, timedelta

from connectors.registry import CONNECTORS
from hub.incoming.models import InboundMessage


def find_retry_end(message: InboundMessage) -> datetime | None:
    """Return the time of a rejected request's last repetition; None if it is not repeated."""
    connector = CONNECTORS.get(message.connector_key)
    source = connector.webhook_source if connector else None
    if source is None or not source.retry_period_seconds:
        return None
    return message.received_at + timedelta(seconds=source.retry_period_seconds)
