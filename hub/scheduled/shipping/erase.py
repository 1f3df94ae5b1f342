"""Erase the log lines that were shipped over a connection, at the customer's request."""

from datetime import datetime

from django.db.models import Exists, OuterRef

from hub.connections.models import Connection
from hub.scheduled.models import LogChunk, LogPosition


def erase_shipped_lines(connection: Connection, *, now: datetime) -> None:
    """Delete the tenant's shipped lines; waiting lines are kept and shipped."""
    if connection.connector.log_sink is None or connection.tenant_id is None:
        return
    waiting = LogPosition.unscoped.filter(
        tenant=OuterRef("tenant"),
        log__source=OuterRef("source"),
        shipped_line__lt=OuterRef("first_line") + OuterRef("line_count"),
    )
    LogChunk.unscoped.filter(~Exists(waiting), tenant=connection.tenant_id).delete()
