"""Which tenant is connected where, by what right, and how a person is let in to connect."""

from hub.connections.models.authorizations import Authorization, Revocation
from hub.connections.models.connections import (
    BREAKER,
    CALLS_FAILING,
    DISCONNECTED,
    ENDPOINT_REFUSES,
    HOLDING,
    MAINTENANCE,
    OF_CALLS,
    REFRESHING,
    STOPPED,
    Connection,
    ConnectorApp,
    Lane,
    a_connector,
)
from hub.connections.models.credentials import Credential, CredentialEvent
from hub.connections.models.links import ConnectLink, guest_by
from hub.connections.models.quota_queues import QuotaQueue, digest_of
from hub.connections.models.stops import KillSwitch, MaintenanceWindow
from hub.connections.models.wishes import ConnectorRequest

__all__ = [
    "BREAKER",
    "CALLS_FAILING",
    "DISCONNECTED",
    "ENDPOINT_REFUSES",
    "HOLDING",
    "MAINTENANCE",
    "OF_CALLS",
    "REFRESHING",
    "STOPPED",
    "Authorization",
    "ConnectLink",
    "Connection",
    "ConnectorApp",
    "Credential",
    "CredentialEvent",
    "Lane",
    "MaintenanceWindow",
    "QuotaQueue",
    "Revocation",
    "KillSwitch",
    "ConnectorRequest",
    "a_connector",
    "digest_of",
    "guest_by",
]
