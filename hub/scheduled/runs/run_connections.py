"""Find the connections that a run may call, or why it may not call one."""

from datetime import datetime

from connectors.outcomes import Outcome
from connectors.registry import CONNECTORS
from hub.connections.models import (
    BREAKER,
    HOLDING_STATES,
    MAINTENANCE,
    REFRESHING,
    Connection,
    Credential,
)
from hub.crypto.redaction import redact_excerpt
from hub.db.state_machine import InvalidTransition
from hub.scheduled.jobs.schedules import usable_connections
from hub.scheduled.models import Job
from hub.scheduled.runs.context import RunBlocked, RunFailed
from tenants.models import Tenant

NOT_CONNECTED = "not_connected"
RELATED_ROWS = ("tenant", "credential", "lane")
STOPPED_FOR_NOW = (MAINTENANCE, BREAKER)  # hold reasons that end without a person


class ConnectionBlocked(RunBlocked):
    """A person must act on `connection`, or connect the system `key` if that is None."""

    def __init__(
        self, reason: str, detail: str = "", *, connection: Connection | None, key: str = ""
    ) -> None:
        super().__init__(reason, detail)
        self.connection = connection
        self.key = key


def find_run_connection(job: Job, tenant: Tenant, connector_key: str) -> Connection:
    """Return the connection that the job works on, or the tenant's connection of this system.

    An empty key means the job's system. Of several connections the oldest that may be called is
    chosen. Raises ConnectionBlocked if there is none that may be called.
    """
    key = connector_key or job.connector_key
    if job.connection_id and key == job.connector_key:
        rows = Connection.unscoped.filter(pk=job.connection_id)
    else:
        owner = None if CONNECTORS[key].is_for_platform else tenant
        rows = usable_connections().filter(connector_key=key, tenant=owner)
    connections = list(rows.select_related(*RELATED_ROWS).order_by("pk"))
    if not connections:
        label = CONNECTORS[key].label
        raise ConnectionBlocked(NOT_CONNECTED, str(label), connection=None, key=key)
    usable = [connection for connection in connections if not find_block(connection)]
    connection = (usable or connections)[0]
    check_connection(connection)
    return connection


def load_connection(connection: Connection) -> Connection:
    """Return the connection as it is stored now, with its credential. Raises ConnectionBlocked."""
    stored = Connection.unscoped.select_related(*RELATED_ROWS).filter(pk=connection.pk).first()
    if stored is None:
        key = connection.connector_key
        raise ConnectionBlocked(NOT_CONNECTED, str(connection), connection=None, key=key)
    return stored


def find_block(connection: Connection) -> str:
    """Return why a person must act before the connection may be called; "" if nobody must."""
    if connection.tenant and connection.tenant.suspended:
        return "tenant_suspended"
    if connection.lane.switched_off_by:
        return "switched_off"
    if connection.is_disconnected:
        return "disconnected"
    return connection.state if connection.state in HOLDING_STATES else ""


def check_connection(connection: Connection) -> None:
    """Raise ConnectionBlocked if a person must act, and RunFailed if it is stopped temporarily."""
    if reason := find_block(connection):
        raise ConnectionBlocked(reason, connection.detail, connection=connection)
    if connection.lane.hold_reason in STOPPED_FOR_NOW:
        raise RunFailed(connection.lane.hold_reason, str(connection))


def is_refreshing(connection: Connection) -> bool:
    """Return whether its access token is being replaced."""
    return bool(connection.lane.hold_reason == REFRESHING)


def stop_connection(
    connection: Connection, outcome: Outcome, secrets: tuple[str, ...], *, now: datetime
) -> None:
    """Mark a connection as needs_reconnect or disabled, as its system refused a call.

    Nothing is changed if another credential was stored since the call.
    """
    detail = redact_excerpt(outcome.detail, 500, secrets)
    if not Credential.lock_if_unchanged(connection, Credential.read_version(connection)):
        return
    try:
        if outcome.kind == "disable":
            connection.disable(outcome.reason, detail, now=now)
        else:
            connection.mark_needs_reconnect(outcome.reason, detail, now=now)
    except InvalidTransition:
        return
