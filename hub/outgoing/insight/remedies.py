"""Remedies: what has to change before a delivery can be sent, by reason; for all pages."""

from collections.abc import Mapping
from enum import Enum


class Remedy(Enum):
    CONNECTION = "connection"  # connect, reconnect, resume or change the connection
    IDENTITY = "identity"  # choose the matching record
    ROUTE = "route"
    MAPPING = "mapping"
    TENANT = "tenant"
    KILL_SWITCH = "kill_switch"
    QUEUE_HEAD = "queue_head"  # the delivery before it in an ordered route
    RETRY = "retry"  # a person decides, after a look into the other system
    DEFECT = "defect"  # a fault of the hub


OPERATOR_REMEDIES = {  # only the operator of the hub can do these
    Remedy.ROUTE,
    Remedy.MAPPING,
    Remedy.TENANT,
    Remedy.KILL_SWITCH,
    Remedy.DEFECT,
}
REMEDIES: Mapping[str, Remedy] = {  # by reason; a delivery without an entry is sent without help
    "not_connected": Remedy.CONNECTION,
    "paused": Remedy.CONNECTION,
    "disabled": Remedy.CONNECTION,
    "disconnected": Remedy.CONNECTION,
    "needs_reconnect": Remedy.CONNECTION,
    "egress_refused": Remedy.CONNECTION,
    "credential_unreadable": Remedy.CONNECTION,
    "permission_missing": Remedy.CONNECTION,
    "failing": Remedy.CONNECTION,
    "gone": Remedy.CONNECTION,
    "identity_missing": Remedy.IDENTITY,
    "filter_failed": Remedy.ROUTE,
    "route_off": Remedy.ROUTE,
    "mapping_failed": Remedy.MAPPING,
    "payload_refused": Remedy.MAPPING,
    "tenant_suspended": Remedy.TENANT,
    "switched_off": Remedy.KILL_SWITCH,
    "behind": Remedy.QUEUE_HEAD,
    "unknown_effect": Remedy.RETRY,
    "defect": Remedy.DEFECT,
}
