"""How a connection stands: its own state, or what stops it from above; why, in words, and what a person does."""

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
from hub.words import CONNECTION_STATES, reason_of

SWITCHED_OFF = "switched_off"
WORKING = ("healthy", "degraded", "silent")  # own states in which a switch is what stops it


class Standing(NamedTuple):
    reason: str  # a code; empty: none is needed
    sentence: str
    action: str  # empty: nothing is to be done
    until: datetime | None


def standing(connection: Connection, *, window: MaintenanceWindow | None = None) -> Standing:
    """Reads the tenant and the lane of the connection."""
    stopped, until = cause(connection, window)
    reason = stopped or connection.reason
    words = reason_of(reason, system=connection.connector.label) if reason else CONNECTION_STATES[connection.state]
    return Standing(reason, words.sentence, words.action, until or connection.paused_until)


def shown_state(connection: Connection) -> str:
    """The state as people read it. Reads the lane of the connection."""
    if connection.disconnected:
        return DISCONNECTED
    off = getattr(getattr(connection, "lane", None), "switched_off_by", "")
    return SWITCHED_OFF if off and connection.state in WORKING else connection.state


def shown_state_column() -> Case:
    """The same for a statement that groups; what is disconnected stays *disabled* there."""
    off = Q(state__in=WORKING, lane__isnull=False) & ~Q(lane__switched_off_by="")
    return Case(When(off, then=Value(SWITCHED_OFF)), default=F("state"), output_field=CharField())


def stopping_switches(connections: Iterable[Connection]) -> dict[int, KillSwitch]:
    """The switch that stops each of these connections, by its key; no statement where none is off."""
    off = {row.pk: row for row in connections if getattr(getattr(row, "lane", None), "switched_off_by", "")}
    if not off:
        return {}
    wide = Q(scope="platform") | Q(scope="connector", connector_key__in={row.connector_key for row in off.values()})
    tenants = Q(scope="tenant", tenant__in={row.tenant_id for row in off.values() if row.tenant_id})
    switches = list(KillSwitch.unscoped.filter(wide | tenants))
    found = {pk: next((one for one in switches if stops(one, row)), None) for pk, row in off.items()}
    return {pk: switch for pk, switch in found.items() if switch}


def stops(switch: KillSwitch, connection: Connection) -> bool:
    """Whether this is the switch that the lane of the connection names."""
    subjects = {
        "platform": True,
        "connector": switch.connector_key == connection.connector_key,
        "tenant": switch.tenant_id == connection.tenant_id,
    }
    return switch.scope == connection.lane.switched_off_by and subjects[switch.scope]


def cause(connection: Connection, window: MaintenanceWindow | None) -> tuple[str, datetime | None]:
    """What stops it beside its own state, the widest first; otherwise why it has that state, where that says more."""
    lane = getattr(connection, "lane", None)
    held, off = getattr(lane, "hold_reason", ""), getattr(lane, "switched_off_by", "")
    if connection.tenant and connection.tenant.suspended:
        return "tenant_suspended", None
    if off:
        return SWITCHED_OFF, None
    if held == MAINTENANCE:
        return MAINTENANCE, window.ends_at if window else None
    if held in (BREAKER, REFRESHING):
        return held, None
    if connection.reason in ("", connection.state, DISCONNECTED):
        return "", None
    return connection.reason, None
