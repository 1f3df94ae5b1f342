"""Find out whether a connection may be called, as its lane says it to a pump."""

from datetime import datetime

from hub.connections.models import BREAKER, MAINTENANCE, REFRESHING, Lane

TEMPORARY_HOLDS = (BREAKER, MAINTENANCE, REFRESHING)  # they end without a person


def find_block(lane: Lane) -> str:
    """Return why a person must act before anything may be sent; "" if nobody must."""
    tenant = lane.connection.tenant
    if tenant is not None and tenant.suspended:
        return "tenant_suspended"
    if lane.switched_off_by:
        return "switched_off"
    return "" if lane.hold_reason in TEMPORARY_HOLDS else lane.hold_reason


def find_hold(lane: Lane, *, now: datetime) -> str:
    """Return why nothing may be sent, as `sendable_lanes` selects it; "" if something may.

    An open breaker holds its lane until a probe may be sent.
    """
    may_probe = lane.open_until is not None and lane.open_until <= now
    if lane.hold_reason == BREAKER and may_probe:
        return find_block(lane)
    return find_block(lane) or lane.hold_reason
