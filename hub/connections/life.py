"""The life line of a connection's authorization, for the pages of staff and customers."""

from datetime import datetime

from hub.connections.models import Connection
from hub.connections.picture import SHOWN_MOST, Picture, drawn


def life_of(connection: Connection, *, now: datetime) -> Picture:
    """What happened to its credential, and what comes next."""
    newest = connection.credential_events.order_by("-id")[:SHOWN_MOST]
    credential = getattr(connection, "credential", None)
    return drawn(
        reversed(newest),
        now=now,
        refresh_due_at=credential.refresh_due_at if credential else None,
        ends=credential.expires_at if credential else None,
    )
