"""What the page of a connection shows to its customers and to staff alike."""

from datetime import datetime
from typing import Any, NamedTuple

from hub.connections.models import Connection, MaintenanceWindow
from hub.connections.status.connection_status import describe_status
from hub.connections.status.connector_permissions import list_permission_statuses
from hub.connections.status.effective_status import find_stopping_switches
from hub.connections.status.settings_view import list_displayed_settings
from hub.connections.status.timeline_svg import EVENTS_MAX, CredentialTimeline, draw_timeline
from hub.notices.kinds import NOTICE_KINDS
from hub.notices.models import Notice
from hub.reason_codes import find_reason

NOTICES_SHOWN = 5


class ShownNotice(NamedTuple):
    notice: Notice
    label: str
    reason_text: str


def build_connection_context(
    connection: Connection, window: MaintenanceWindow | None, *, now: datetime
) -> dict[str, Any]:
    """Return the context of the shared part; `window` is the maintenance that may hold it."""
    switch = find_stopping_switches([connection]).get(connection.pk)
    connector = connection.connector
    return {
        "connection": connection,
        "connector": connector,
        "environment": connector.environment(connection.settings.get("environment", "")),
        "switch": switch,
        "status": describe_status(connection, window=window, switch=switch),
        "permissions": list_permission_statuses(connection),
        "facts": list_displayed_settings(connection),
        "timeline": draw_credential_timeline(connection, now=now),
    }


def list_last_notices(connection: Connection) -> list[ShownNotice]:
    rows = connection.notices.filter(kind__in=NOTICE_KINDS).order_by("-id")[:NOTICES_SHOWN]
    return [
        ShownNotice(notice, NOTICE_KINDS[notice.kind].label, _explain_notice(notice, connection))
        for notice in rows
    ]


def _explain_notice(notice: Notice, connection: Connection) -> str:
    return (
        find_reason(notice.reason, system=connection.connector.label).sentence
        if notice.reason
        else ""
    )


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
