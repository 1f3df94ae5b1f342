"""The next step of staff for a delivery that is not sent: a button, or a link to the remedy."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse

from hub.mappings.translate import IdentityMissing
from hub.outgoing.insight.explain import EffectiveState
from hub.outgoing.insight.remedies import REMEDIES, Remedy
from hub.outgoing.models import Delivery
from hub.outgoing.queue.ordering import find_queue_head


@dataclass(frozen=True, slots=True)
class NextStep:
    text: str
    url: str = ""  # empty: a button of the delivery's own


def find_next_step(delivery: Delivery, state: EffectiveState) -> NextStep | None:
    """Return the next step; None if nothing has to be done."""
    remedy = REMEDIES.get(state.reason, Remedy.CONNECTION)
    if not state.action:
        return None
    if state.state == "failed" or remedy is Remedy.RETRY:
        return NextStep(state.action)
    return NextStep(state.action, build_remedy_url(delivery, remedy))


def build_remedy_url(delivery: Delivery, remedy: Remedy) -> str:
    """Return the URL of the page with the remedy; by default the connection's page."""
    match remedy:
        case Remedy.IDENTITY:
            missing = IdentityMissing.parse(delivery.detail)
            pair = dict(zip(("kind", "local_id"), missing or (), strict=False))
            query = {"connection": delivery.connection_id or "", **pair}
            return f"{reverse('admin:mappings_identity_add')}?{urlencode(query)}"
        case Remedy.KILL_SWITCH:
            return reverse("admin:connections_killswitch_changelist")
        case Remedy.QUEUE_HEAD:
            head = find_queue_head(delivery)
            return reverse("admin:outgoing_delivery_change", args=[head.pk]) if head else ""
        case Remedy.ROUTE:
            return reverse("admin:outgoing_route_change", args=[delivery.route_id])
        case Remedy.MAPPING:
            mapping_id = delivery.route.mapping_id
            return reverse("admin:mappings_fieldmapping_change", args=[mapping_id])
        case Remedy.TENANT:
            return reverse("admin:tenants_tenant_change", args=[delivery.tenant_id])
    return _build_connection_url(delivery)


def _build_connection_url(delivery: Delivery) -> str:
    if delivery.connection_id is not None:
        return reverse("admin:connections_connection_change", args=[delivery.connection_id])
    query = urlencode({"tenant": delivery.tenant.reference})
    return f"{reverse('admin:connections_connection_changelist')}?{query}"
