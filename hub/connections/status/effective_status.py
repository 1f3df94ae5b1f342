"""The effective status of a connection: its own state, or a wider cause that stops it."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from django.db.models import Case, CharField, F, Q, Value, When

from hub.connections.models import (
    BREAKER,
    DISCONNECTED,
    MAINTENANCE,
    REFRESHING,
    Connection,
    KillSwitch,
    MaintenanceWindow,
)
from hub.reason_codes import Reason, find_reason
from hub.state_texts import CONNECTION_STATES, READY_TO_RECEIVE

SWITCHED_OFF = "switched_off"
# states in which a kill switch stops a connection
WORKING_STATES = ("healthy", "degraded", "silent")

ATTENTION_STATES = ("needs_reconnect", "degraded", "silent", "disabled")
CHOSEN_REASONS = ("disabled", DISCONNECTED)  # a person chose that nothing is sent


class EffectiveStatus(NamedTuple):
    reason: str  # a code; empty: the state itself is the reason
    sentence: str
    action: str  # what a person does; empty: nothing
    until: datetime | None


def needs_attention(state: str, reason: str) -> bool:
    """Return whether a connection in this state does not work without a person having chosen so."""
    return state in ATTENTION_STATES and reason not in CHOSEN_REASONS


def determine_effective_status(
    connection: Connection, *, window: MaintenanceWindow | None = None
) -> EffectiveStatus:
    """Return reason, sentence and action for the connection's status.

    Reads its tenant and its lane.
    """
    stop_reason, until = find_stop_cause(connection, window)
    reason = stop_reason or connection.reason
    text = (
        find_reason(reason, system=connection.connector.label)
        if reason
        else find_state_text(connection, connection.state)
    )
    return EffectiveStatus(reason, text.sentence, text.action, until or connection.paused_until)


def find_state_text(connection: Connection, state: str) -> Reason:
    """Return the text of a state. What only receives is not said to work, as nothing tests it."""
    if state == "healthy" and not connection.connector.actions:
        return READY_TO_RECEIVE
    return CONNECTION_STATES[state]


def determine_effective_state(connection: Connection) -> str:
    """Return the state that pages and API show. Reads the lane of the connection."""
    if connection.is_disconnected:
        return DISCONNECTED
    off = getattr(getattr(connection, "lane", None), "switched_off_by", "")
    return SWITCHED_OFF if off and connection.state in WORKING_STATES else connection.state


def build_effective_state_expression() -> Case:
    """Build the SQL expression of the effective state; for a disconnected connection it gives
    *disabled*, unlike `determine_effective_state`.
    """
    off = Q(state__in=WORKING_STATES, lane__isnull=False) & ~Q(lane__switched_off_by="")
    return Case(When(off, then=Value(SWITCHED_OFF)), default=F("state"), output_field=CharField())


def find_stopping_switches(connections: Iterable[Connection]) -> dict[int, KillSwitch]:
    """Return the kill switch that stops each connection, by pk; no query if none does."""
    off = {
        connection.pk: connection
        for connection in connections
        if getattr(getattr(connection, "lane", None), "switched_off_by", "")
    }
    if not off:
        return {}
    wide = Q(scope="platform") | Q(
        scope="connector",
        connector_key__in={connection.connector_key for connection in off.values()},
    )
    tenants = Q(
        scope="tenant",
        tenant__in={connection.tenant_id for connection in off.values() if connection.tenant_id},
    )
    switches = list(KillSwitch.unscoped.filter(wide | tenants))
    switch_by_connection = {
        pk: next(
            (candidate for candidate in switches if _is_stopping_switch(candidate, connection)),
            None,
        )
        for pk, connection in off.items()
    }
    return {pk: switch for pk, switch in switch_by_connection.items() if switch}


def _is_stopping_switch(switch: KillSwitch, connection: Connection) -> bool:
    """Return whether this is the kill switch that the connection's lane names."""
    subjects = {
        "platform": True,
        "connector": switch.connector_key == connection.connector_key,
        "tenant": switch.tenant_id == connection.tenant_id,
    }
    return switch.scope == connection.lane.switched_off_by and subjects[switch.scope]


def find_stop_cause(
    connection: Connection, window: MaintenanceWindow | None
) -> tuple[str, datetime | None]:
    """Return the widest cause that stops the connection, else the reason of its state.

    Returns "" if the state itself is the reason. The second value is the end of a maintenance
    window.
    """
    lane = getattr(connection, "lane", None)
    hold_reason, off = getattr(lane, "hold_reason", ""), getattr(lane, "switched_off_by", "")
    if connection.tenant and connection.tenant.suspended:
        return "tenant_suspended", None
    if off:
        return SWITCHED_OFF, None
    if hold_reason == MAINTENANCE:
        return MAINTENANCE, window.ends_at if window else None
    if hold_reason in (BREAKER, REFRESHING):
        return hold_reason, None
    if connection.reason in ("", connection.state, DISCONNECTED):
        return "", None
    return connection.reason, None
