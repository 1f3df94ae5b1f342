"""The timeline of a connection's credential, for the pages of staff and customers."""

from datetime import datetime

from hub.connections.models import Connection
from hub.connections.status.timeline_svg import EVENTS_MAX, CredentialTimeline, draw_timeline


def draw_credential_timeline(connection: Connection, *, now: datetime) -> CredentialTimeline:
    """Draw the newest events of the connection's credential, and the next ones."""
    newest = connection.credential_events.order_by("-id")[:EVENTS_MAX]
    credential = getattr(connection, "credential", None)
    return draw_timeline(
        reversed(newest),
        now=now,
        refresh_due_at=credential.refresh_due_at if credential else None,
        expires_at=credential.expires_at if credential else None,
    )
