"""The status of a connection as its page shows it: a label, a sentence, its cause and times."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from hub.connections.models import Connection, KillSwitch, MaintenanceWindow
from hub.connections.status.effective_status import (
    SWITCHED_OFF,
    determine_effective_state,
    find_state_text,
    find_stop_cause,
    find_stopping_switches,
)
from hub.reason_codes import find_reason
from hub.state_texts import STATE_TONES, state_label


@dataclass(frozen=True, slots=True)
class ConnectionStatus:
    state: str
    word: str
    sentence: str
    reason_text: str
    detail: str
    detail_is_reason: bool  # a person's reason, rather than the other system's answer
    action: str  # the next step if calls fail; empty: the button is the next step
    since: datetime
    until: datetime | None

    @property
    def tone(self) -> str:
        return STATE_TONES.get(self.state, ("idle", ""))[0]

    @property
    def icon(self) -> str:
        return STATE_TONES.get(self.state, ("", "circle"))[1]


def describe_status(
    connection: Connection,
    *,
    window: MaintenanceWindow | None = None,
    switch: KillSwitch | None = None,
) -> ConnectionStatus:
    """Return the status of a connection, whose tenant and lane must be loaded.

    window: the maintenance window that may hold the connection. switch: the kill switch that stops
    it.
    """
    state = determine_effective_state(connection)
    reason, until = find_stop_cause(connection, window)
    reason_entry = (
        find_reason(reason, system=connection.connector.label)
        if reason and reason != state
        else None
    )
    is_switched_off = state == SWITCHED_OFF
    return ConnectionStatus(
        state=state,
        word=state_label(state),
        sentence=find_state_text(connection, state).sentence,
        reason_text=reason_entry.sentence if reason_entry else "",
        detail=switch.reason if switch and is_switched_off else connection.detail,
        detail_is_reason=is_switched_off or state == "paused",
        action=reason_entry.action if reason_entry and state == "degraded" else "",
        since=switch.activated_at if switch and is_switched_off else connection.state_changed_at,
        until=switch.expires_at if switch and is_switched_off else until or connection.paused_until,
    )


def describe_statuses(
    connections: Sequence[Connection],
) -> list[tuple[Connection, ConnectionStatus]]:
    """Return each connection with its status, in at most one statement.

    The connections must be loaded with their tenants and lanes.
    """
    switches = find_stopping_switches(connections)
    return [
        (connection, describe_status(connection, switch=switches.get(connection.pk)))
        for connection in connections
    ]
