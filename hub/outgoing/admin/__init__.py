"""Admin pages of events, deliveries, routes, field mappings and operations."""

from hub.outgoing.admin.connections import ConnectionAdmin
from hub.outgoing.admin.deliveries import DeliveryAdmin
from hub.outgoing.admin.events import EventAdmin
from hub.outgoing.admin.mappings import FieldMappingAdmin
from hub.outgoing.admin.operations import OperationAdmin
from hub.outgoing.admin.routes import RouteAdmin

__all__ = [
    "ConnectionAdmin",
    "DeliveryAdmin",
    "EventAdmin",
    "FieldMappingAdmin",
    "OperationAdmin",
    "RouteAdmin",
]
