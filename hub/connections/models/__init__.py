"""Models of connections, credentials, lanes and authorizations; one file for each model."""

from hub.connections.models.authorizations import Authorization
from hub.connections.models.connect_links import ConnectLink, build_guest_reference
from hub.connections.models.connections import (
    BREAKER,
    CALL_REASONS,
    CALLS_FAILING,
    DISCONNECTED,
    ENDPOINT_REFUSES,
    HOLDING_STATES,
    MAINTENANCE,
    REFRESHING,
    STOPPED_STATES,
    USER_ID,
    Connection,
    sendable_lanes,
    validate_connector_key,
)
from hub.connections.models.connector_apps import ConnectorApp
from hub.connections.models.connector_requests import ConnectorRequest
from hub.connections.models.credentials import Credential, CredentialEvent
from hub.connections.models.disconnections import Disconnection, get_pending_disconnection
from hub.connections.models.kill_switches import KillSwitch
from hub.connections.models.lanes import LANE_LEASES, Lane
from hub.connections.models.maintenance_windows import MaintenanceWindow
from hub.connections.models.quota_queues import QuotaQueue, digest_scopes
from hub.connections.models.revocations import Revocation

__all__ = [
    "BREAKER",
    "CALLS_FAILING",
    "DISCONNECTED",
    "ENDPOINT_REFUSES",
    "HOLDING_STATES",
    "MAINTENANCE",
    "CALL_REASONS",
    "LANE_LEASES",
    "REFRESHING",
    "STOPPED_STATES",
    "USER_ID",
    "Authorization",
    "ConnectLink",
    "Connection",
    "ConnectorApp",
    "Credential",
    "CredentialEvent",
    "Disconnection",
    "Lane",
    "MaintenanceWindow",
    "QuotaQueue",
    "Revocation",
    "KillSwitch",
    "ConnectorRequest",
    "get_pending_disconnection",
    "sendable_lanes",
    "validate_connector_key",
    "digest_scopes",
    "build_guest_reference",
]
