"""The one thing to do about a delivery that does not move: a button of its page, or a way to the page that mends it."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse

from hub.mappings.translate import IdentityMissing
from hub.outgoing.explain import Shown
from hub.outgoing.models import Delivery
from hub.outgoing.order import head_of

MENDED_AT = {  # by reason, the page where the cause is mended
    "filter_failed": "route",
    "mapping_failed": "mapping",
    "payload_refused": "mapping",
    "identity_missing": "identity",
    "tenant_suspended": "tenant",
    "switched_off": "switches",
    "route_off": "route",
    "behind": "head",
}
BY_A_BUTTON = {"unknown_effect"}
PAGES = {
    "route": "admin:outgoing_route_change",
    "mapping": "admin:mappings_fieldmapping_change",
    "tenant": "admin:tenants_tenant_change",
    "connection": "admin:connections_connection_change",
}


@dataclass(frozen=True, slots=True)
class Remedy:
    words: str
    url: str = ""  # empty: a button of the delivery's own


def remedy(delivery: Delivery, state: Shown) -> Remedy | None:
    if not state.action:
        return None
    if state.state == "failed" or state.reason in BY_A_BUTTON:
        return Remedy(state.action)
    where = MENDED_AT.get(state.reason, "connection")
    return Remedy(state.action, page(delivery, where))


def page(delivery: Delivery, where: str) -> str:
    if where == "identity":
        missing = IdentityMissing.read(delivery.detail)
        pair = dict(zip(("kind", "ours"), missing or (), strict=False))
        asked = {"connection": delivery.connection_id or "", **pair}
        return f"{reverse('admin:mappings_identity_add')}?{urlencode(asked)}"
    if where == "switches":
        return reverse("admin:connections_killswitch_changelist")
    if where == "head":
        head = head_of(delivery)
        return reverse("admin:outgoing_delivery_change", args=[head.pk]) if head else ""
    rows = {
        "route": delivery.route_id,
        "mapping": delivery.route.mapping_id,
        "tenant": delivery.tenant_id,
        "connection": delivery.connection_id,
    }
    if rows[where] is None:
        return (
            f"{reverse('admin:connections_connection_changelist')}?{urlencode({'tenant': delivery.tenant.reference})}"
        )
    return reverse(PAGES[where], args=[rows[where]])
