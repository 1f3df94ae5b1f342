"""The remedy of a delivery that is not sent: what has to change, who can change it, and how.

The doors turn a remedy into the URL of their page about it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from django.conf import settings
from django.utils.translation import gettext as _

from connectors.registry import CONNECTORS
from hub.outgoing.insight.explain import EffectiveState
from hub.outgoing.models import Delivery
from hub.reason_codes import endpoint_rejection


class Cause(Enum):
    """What has to change before a delivery is sent."""

    CONNECTION = "connection"  # connect, reconnect, resume or change the connection
    IDENTITY = "identity"  # choose the matching record
    ROUTE = "route"
    MAPPING = "mapping"
    TENANT = "tenant"
    KILL_SWITCH = "kill_switch"
    QUEUE_HEAD = "queue_head"  # the delivery before it in an ordered route
    UNKNOWN_EFFECT = "unknown_effect"  # a person decides, after a look into the other system
    DEFECT = "defect"  # a fault of the hub


# only the operator of the hub can change these
OPERATOR_CAUSES = {Cause.ROUTE, Cause.MAPPING, Cause.TENANT, Cause.KILL_SWITCH, Cause.DEFECT}
CAUSES: Mapping[str, Cause] = {  # by reason; a delivery without an entry is sent without help
    "not_connected": Cause.CONNECTION,
    "paused": Cause.CONNECTION,
    "disabled": Cause.CONNECTION,
    "disconnected": Cause.CONNECTION,
    "needs_reconnect": Cause.CONNECTION,
    "egress_refused": Cause.CONNECTION,
    "credential_unreadable": Cause.CONNECTION,
    "permission_missing": Cause.CONNECTION,
    "failing": Cause.CONNECTION,
    "gone": Cause.CONNECTION,
    "identity_missing": Cause.IDENTITY,
    "filter_failed": Cause.ROUTE,
    "route_off": Cause.ROUTE,
    "mapping_failed": Cause.MAPPING,
    "payload_refused": Cause.MAPPING,
    "tenant_suspended": Cause.TENANT,
    "switched_off": Cause.KILL_SWITCH,
    "behind": Cause.QUEUE_HEAD,
    "unknown_effect": Cause.UNKNOWN_EFFECT,
    "defect": Cause.DEFECT,
}


@dataclass(frozen=True, slots=True)
class Remedy:
    """The next step. Without `action`, a declared action of the delivery, a page is the remedy."""

    cause: Cause | None
    responsible: str  # who can do it, in a sentence for customers
    label: str = ""
    action: str = ""
    is_of_operator: bool = False


def find_remedy(delivery: Delivery, state: EffectiveState) -> Remedy | None:
    """Return the remedy; None if nothing stops the delivery, or it has ended."""
    if state.state in ("delivered", "sending", "skipped", "cancelled"):
        return None
    cause, is_failed = CAUSES.get(state.reason), state.state == "failed"
    needs_person = is_failed or cause in (Cause.CONNECTION, Cause.IDENTITY, Cause.UNKNOWN_EFFECT)
    if cause in OPERATOR_CAUSES or (_is_of_platform(delivery) and needs_person):
        who = _("The operator of %(name)s. Include the ID of this delivery.")
        return Remedy(cause, who % {"name": settings.HUB_NAME}, state.action, is_of_operator=True)
    if is_failed:
        return Remedy(cause, _("You, once the other system accepts it."), _("Retry now"), "retry")
    if cause in (Cause.CONNECTION, Cause.IDENTITY):
        return Remedy(cause, _("You, or an owner or admin of your organisation."), state.action)
    if cause is Cause.UNKNOWN_EFFECT:
        who = _("You. Check in the other system whether it arrived.")
        return Remedy(cause, who, _("It did not arrive: send it"), "retry")
    if state.state == "waiting" and _is_rejected_by_endpoint(delivery):
        who = _(
            "You. Only your endpoint can change its response. The hub keeps retrying automatically."
        )
        return Remedy(cause, who, _("Retry now"), "retry")
    if state.reason or state.state == "waiting":
        return Remedy(cause, _("No action is needed. It is sent automatically."))
    return None


def _is_rejected_by_endpoint(delivery: Delivery) -> bool:
    """Return whether the customer's own endpoint answered 4xx last."""
    connector = CONNECTORS.get(delivery.route.connector_key)
    return (
        connector is not None
        and connector.is_own_endpoint
        and endpoint_rejection(delivery.reason) is not None
    )


def _is_of_platform(delivery: Delivery) -> bool:
    """Return whether the delivery uses a connection of the platform, which only staff change."""
    return delivery.connection is not None and delivery.connection.tenant_id is None
