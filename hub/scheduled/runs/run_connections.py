"""Find the connections that a run may call, or why it may not call one."""

from datetime import datetime

from connectors.registry import CONNECTORS
from hub.connections.calls.holds import find_block, find_hold
from hub.connections.models import REFRESHING, Connection
from hub.scheduled.jobs.schedules import usable_connections
from hub.scheduled.models import Job
from hub.scheduled.runs.context import RunBlocked, RunFailed
from tenants.models import Tenant

NOT_CONNECTED = "not_connected"
RELATED_ROWS = ("tenant", "credential", "lane")


class ConnectionBlocked(RunBlocked):
    """A person must act on `connection`, or connect the system `key` if that is None."""

    def __init__(
        self, reason: str, detail: str = "", *, connection: Connection | None, key: str = ""
    ) -> None:
        super().__init__(reason, detail)
        self.connection = connection
        self.key = key


def find_run_connection(
    job: Job, tenant: Tenant, connector_key: str, *, now: datetime
) -> Connection:
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
    usable = [connection for connection in connections if not find_block(connection.lane)]
    connection = (usable or connections)[0]
    check_connection(connection, now=now)
    return connection


def load_connection(connection: Connection) -> Connection:
    """Return the connection as it is stored now, with its credential. Raises ConnectionBlocked."""
    stored = Connection.unscoped.select_related(*RELATED_ROWS).filter(pk=connection.pk).first()
    if stored is None:
        key = connection.connector_key
        raise ConnectionBlocked(NOT_CONNECTED, str(connection), connection=None, key=key)
    return stored


def check_connection(connection: Connection, *, now: datetime) -> None:
    """Raise ConnectionBlocked if a person must act, and RunFailed if it is stopped temporarily."""
    if reason := find_block(connection.lane):
        raise ConnectionBlocked(reason, connection.detail, connection=connection)
    hold = find_hold(connection.lane, now=now)
    if hold and hold != REFRESHING:
        raise RunFailed(hold, str(connection))


def is_refreshing(connection: Connection) -> bool:
    """Return whether its access token is being replaced."""
    return bool(connection.lane.hold_reason == REFRESHING)
