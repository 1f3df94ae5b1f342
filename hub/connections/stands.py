"""How a connection stands: its own state, or what stops it from above; why, in words, and what a person does."""

from datetime import datetime
from typing import NamedTuple

from hub.connections.models import BREAKER, DISCONNECTED, MAINTENANCE, REFRESHING, Connection, MaintenanceWindow
from hub.words import CONNECTION_STATES, reason_of


class Standing(NamedTuple):
    reason: str  # a code; empty: none is needed
    sentence: str
    action: str  # empty: nothing is to be done
    until: datetime | None


def standing(connection: Connection, *, window: MaintenanceWindow | None = None) -> Standing:
    """Reads the tenant and the lane of the connection."""
    stopped, until = cause(connection, window)
    reason = stopped or connection.reason
    words = reason_of(reason, system=connection.code.label) if reason else CONNECTION_STATES[connection.state]
    return Standing(reason, words.sentence, words.action, until or connection.paused_until)


def cause(connection: Connection, window: MaintenanceWindow | None) -> tuple[str, datetime | None]:
    """What stops it beside its own state, the widest first; otherwise why it has that state, where that says more."""
    lane = getattr(connection, "lane", None)
    held, off = getattr(lane, "held", ""), getattr(lane, "off", "")
    if connection.tenant and connection.tenant.suspended:
        return "tenant_suspended", None
    if off:
        return "switched_off", None
    if held == MAINTENANCE:
        return MAINTENANCE, window.ends_at if window else None
    if held in (BREAKER, REFRESHING):
        return held, None
    if connection.reason in ("", connection.state, DISCONNECTED):
        return "", None
    return connection.reason, None
