"""The customer's page on which the remedy of a delivery is found."""

from urllib.parse import urlencode

from hub.mappings.translate import IdentityMissing
from hub.outgoing.insight.remedies import Cause, Remedy
from hub.outgoing.models import Delivery
from hub.portal.navigation import reverse_or_empty


def build_remedy_url(delivery: Delivery, remedy: Remedy) -> str:
    """Return the URL; empty if only the operator, or a button of the delivery, is the remedy."""
    if remedy.action or remedy.is_of_operator:
        return ""
    if remedy.cause is Cause.IDENTITY:
        return _reverse_identity_page(delivery)
    return _reverse_connection_page(delivery) if remedy.cause is Cause.CONNECTION else ""


def _reverse_connection_page(delivery: Delivery) -> str:
    reference = delivery.tenant.reference
    home = reverse_or_empty("portal:home", reference)
    if delivery.connection is None:
        return reverse_or_empty("portal:catalogue", reference) or home
    is_endpoint = delivery.connection.connector_key == "webhook"
    name = "portal:endpoint" if is_endpoint else "portal:connection"
    return reverse_or_empty(name, reference, delivery.connection.public_id) or home


def _reverse_identity_page(delivery: Delivery) -> str:
    """Return the URL of the page that adds the missing identity.

    It is the connection's page if the delivery's detail was cut and no longer names the identity.
    """
    connection, missing = delivery.connection, IdentityMissing.parse(delivery.detail)
    if connection is None or missing is None:
        return _reverse_connection_page(delivery)
    query = urlencode(dict(zip(("kind", "local_id"), missing, strict=True)))
    tenant_reference = delivery.tenant.reference
    page = reverse_or_empty("portal:identity_say", tenant_reference, connection.public_id)
    return f"{page}?{query}"
