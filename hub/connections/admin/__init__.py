"""Pages for staff: which tenant is connected where, how it is, and our registrations at the other systems."""

from hub.connections.admin.apps import ConnectorAppAdmin
from hub.connections.admin.connections import ConnectionAdmin
from hub.connections.admin.switches import SwitchAdmin

__all__ = ["ConnectionAdmin", "ConnectorAppAdmin", "SwitchAdmin"]
