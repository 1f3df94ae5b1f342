"""Staff pages of connections, quotas, connector apps, links, kill switches and maintenance."""

from hub.connections.admin.connect_links import ConnectLinkAdmin
from hub.connections.admin.connector_apps import ConnectorAppAdmin
from hub.connections.admin.connector_requests import ConnectorRequestAdmin
from hub.connections.admin.kill_switches import SwitchAdmin
from hub.connections.admin.maintenance_windows import MaintenanceWindowAdmin
from hub.connections.admin.quotas import ScopeAdmin

__all__ = [
    "ConnectLinkAdmin",
    "ConnectorAppAdmin",
    "MaintenanceWindowAdmin",
    "ScopeAdmin",
    "SwitchAdmin",
    "ConnectorRequestAdmin",
]
