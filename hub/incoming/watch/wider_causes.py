"""Say why a source is not expected to be heard, or its silence says nothing about it."""

from datetime import datetime, timedelta

from hub.connections.actions.maintenance import find_connection_window
from hub.connections.models import MAINTENANCE, Connection
from hub.incoming.models import InboundGap, InboundMessage
from hub.incoming.processing.attribution import find_hold_reason
from hub.incoming.registration.installation.address import find_former_url
from hub.incoming.registration.installation.outages import has_been_down

NEEDS_RECONNECT, OUTAGE, BACKLOG = "needs_reconnect", "outage", "backlog"
BACKLOG_AFTER = timedelta(minutes=1)  # that a due message waits for the inbox


def is_watching_allowed() -> bool:
    """Return whether this installation is no copy: the webhooks of a copy go to the original."""
    return not find_former_url()


def find_wider_cause(connection: Connection, *, since: datetime, now: datetime) -> str:
    """Return why a silence of the connection since then says nothing of its webhooks, or "".

    It is held, paused, disabled or disconnected, needs a reconnect, is under maintenance, or the
    hub itself was down or is behind: what was refused meanwhile is sent again at its sender's pace.
    """
    if reason := find_hold_reason(connection):
        return reason
    if connection.state == NEEDS_RECONNECT:
        return NEEDS_RECONNECT
    if find_connection_window(connection, now=now):
        return MAINTENANCE
    outages = InboundGap.unscoped.filter(connection=connection, cause=InboundGap.Cause.OUTAGE)
    is_open = outages.filter(state__in=InboundGap.UNFINISHED_STATES)
    if has_been_down(since, now=now) or is_open.exists():
        return OUTAGE
    if InboundMessage.unscoped.filter(due_at__lte=now - BACKLOG_AFTER).exists():
        return BACKLOG
    return ""
