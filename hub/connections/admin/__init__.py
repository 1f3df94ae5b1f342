"""Pages for staff: which tenant is connected where, how it is, its quotas, and our registrations elsewhere."""

from hub.connections.admin.apps import ConnectorAppAdmin
from hub.connections.admin.connections import ConnectionAdmin
from hub.connections.admin.links import ConnectLinkAdmin
from hub.connections.admin.quotas import ScopeAdmin
from hub.connections.admin.switches import SwitchAdmin
from hub.connections.admin.windows import MaintenanceWindowAdmin
from hub.connections.admin.wishes import WishAdmin

__all__ = [
    "ConnectLinkAdmin",
    "ConnectionAdmin",
    "ConnectorAppAdmin",
    "MaintenanceWindowAdmin",
    "ScopeAdmin",
    "SwitchAdmin",
    "WishAdmin",
]
