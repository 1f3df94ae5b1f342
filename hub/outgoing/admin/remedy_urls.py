"""The staff page on which the remedy of a delivery is found."""

from urllib.parse import urlencode

from django.urls import reverse

from hub.mappings.translate import IdentityMissing
from hub.outgoing.insight.remedies import Cause, Remedy
from hub.outgoing.models import Delivery
from hub.outgoing.queue.ordering import find_queue_head


def build_remedy_url(delivery: Delivery, remedy: Remedy) -> str:
    """Return the URL, by default of the connection; empty if a button is the remedy."""
    match remedy.cause:
        case cause if remedy.action or cause is None:
            return ""
        case Cause.IDENTITY:
            missing = IdentityMissing.parse(delivery.detail)
            pair = dict(zip(("kind", "local_id"), missing or (), strict=False))
            query = {"connection": delivery.connection_id or "", **pair}
            return f"{reverse('admin:mappings_identity_add')}?{urlencode(query)}"
        case Cause.KILL_SWITCH:
            return reverse("admin:connections_killswitch_changelist")
        case Cause.QUEUE_HEAD:
            head = find_queue_head(delivery)
            return reverse("admin:outgoing_delivery_change", args=[head.pk]) if head else ""
        case Cause.ROUTE:
            return reverse("admin:outgoing_route_change", args=[delivery.route_id])
        case Cause.MAPPING:
            mapping_id = delivery.route.mapping_id
            return reverse("admin:mappings_fieldmapping_change", args=[mapping_id])
        case Cause.TENANT:
            return reverse("admin:tenants_tenant_change", args=[delivery.tenant_id])
    return _build_connection_url(delivery)


def _build_connection_url(delivery: Delivery) -> str:
    if delivery.connection_id is not None:
        return reverse("admin:connections_connection_change", args=[delivery.connection_id])
    query = urlencode({"tenant": delivery.tenant.reference})
    return f"{reverse('admin:connections_connection_changelist')}?{query}"
