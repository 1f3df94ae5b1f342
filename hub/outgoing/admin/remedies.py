"""The one thing to do about a delivery that does not move: a button of its page, or a way to the page that mends it."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse

from hub.mappings.translate import IdentityMissing
from hub.outgoing.insight.explain import EffectiveState
from hub.outgoing.models import Delivery
from hub.outgoing.queue.ordering import find_queue_head

REMEDY_PAGES = {  # by reason, the page where the cause is mended
    "filter_failed": "route",
    "mapping_failed": "mapping",
    "payload_refused": "mapping",
    "identity_missing": "identity",
    "tenant_suspended": "tenant",
    "switched_off": "switches",
    "route_off": "route",
    "behind": "head",
}
REMEDY_BUTTONS = {"unknown_effect"}
CHANGE_PAGES = {
    "route": "admin:outgoing_route_change",
    "mapping": "admin:mappings_fieldmapping_change",
    "tenant": "admin:tenants_tenant_change",
    "connection": "admin:connections_connection_change",
}


@dataclass(frozen=True, slots=True)
class Remedy:
    words: str
    url: str = ""  # empty: a button of the delivery's own


def find_remedy(delivery: Delivery, state: EffectiveState) -> Remedy | None:
    if not state.action:
        return None
    if state.state == "failed" or state.reason in REMEDY_BUTTONS:
        return Remedy(state.action)
    target = REMEDY_PAGES.get(state.reason, "connection")
    return Remedy(state.action, build_remedy_url(delivery, target))


def build_remedy_url(delivery: Delivery, target: str) -> str:
    if target == "identity":
        missing = IdentityMissing.parse(delivery.detail)
        pair = dict(zip(("kind", "ours"), missing or (), strict=False))
        query = {"connection": delivery.connection_id or "", **pair}
        return f"{reverse('admin:mappings_identity_add')}?{urlencode(query)}"
    if target == "switches":
        return reverse("admin:connections_killswitch_changelist")
    if target == "head":
        head = find_queue_head(delivery)
        return reverse("admin:outgoing_delivery_change", args=[head.pk]) if head else ""
    target_ids = {
        "route": delivery.route_id,
        "mapping": delivery.route.mapping_id,
        "tenant": delivery.tenant_id,
        "connection": delivery.connection_id,
    }
    if target_ids[target] is None:
        return f"{reverse('admin:connections_connection_changelist')}?{urlencode({'tenant': delivery.tenant.reference})}"
    return reverse(CHANGE_PAGES[target], args=[target_ids[target]])
