"""The remedy of a stopped delivery: a page, or a button of the delivery."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.conf import settings
from django.utils.translation import gettext as _

from connectors.registry import CONNECTORS
from hub.mappings.translate import IdentityMissing
from hub.outgoing.insight.explain import EffectiveState
from hub.outgoing.insight.remedies import OPERATOR_REMEDIES, REMEDIES, Remedy
from hub.outgoing.models import Delivery
from hub.portal.navigation import reverse_or_empty
from hub.reason_codes import endpoint_rejection

# remedies that require a person's action
PERSONAL_REMEDIES = {Remedy.CONNECTION, Remedy.IDENTITY, Remedy.RETRY}


@dataclass(frozen=True, slots=True)
class NextStep:
    responsible: str
    label: str = ""
    url: str = ""  # empty: the remedy is a button of the delivery, named by `verb`
    verb: str = ""


def find_delivery_remedy(delivery: Delivery, effective_state: EffectiveState) -> NextStep | None:
    """Return the remedy; None if nothing stops the delivery."""
    if effective_state.state in ("delivered", "sending", "skipped", "cancelled"):
        return None
    remedy = REMEDIES.get(effective_state.reason)
    if remedy in OPERATOR_REMEDIES or (
        is_platform_delivery(delivery) and is_stuck(effective_state)
    ):
        return build_operator_remedy()
    if effective_state.state == "failed":
        return NextStep(_("You, once the other system accepts it."), _("Retry now"), verb="retry")
    if remedy is Remedy.IDENTITY:
        return NextStep(
            _("You, or an owner or admin of your organisation."),
            effective_state.action,
            reverse_identity_page(delivery),
        )
    if remedy is Remedy.CONNECTION:
        return NextStep(
            _("You, or an owner or admin of your organisation."),
            effective_state.action,
            reverse_connection_page(delivery),
        )
    if remedy is Remedy.RETRY:
        return NextStep(
            _("You. Check in the other system whether it arrived."),
            _("It did not arrive: send it"),
            verb="retry",
        )
    if effective_state.state == "waiting" and is_refused_by_endpoint(delivery):
        return NextStep(
            _(
                "You. Only your endpoint can change its response. The hub keeps retrying "
                "automatically."
            ),
            _("Retry now"),
            verb="retry",
        )
    return (
        NextStep(_("No action is needed. It is sent automatically."))
        if effective_state.reason or effective_state.state == "waiting"
        else None
    )


def is_refused_by_endpoint(delivery: Delivery) -> bool:
    """Return whether the customer's own endpoint answered 4xx last."""
    connector = CONNECTORS.get(delivery.route.connector_key)
    return (
        connector is not None
        and connector.is_own_endpoint
        and endpoint_rejection(delivery.reason) is not None
    )


def is_platform_delivery(delivery: Delivery) -> bool:
    """Return whether the delivery uses a connection of the platform, which only staff change."""
    return delivery.connection is not None and delivery.connection.tenant_id is None


def is_stuck(effective_state: EffectiveState) -> bool:
    """Return whether the delivery needs a person's action."""
    remedy = REMEDIES.get(effective_state.reason)
    return effective_state.state == "failed" or remedy in PERSONAL_REMEDIES


def build_operator_remedy() -> NextStep:
    return NextStep(
        _("The operator of %(name)s. Include the ID of this delivery.")
        % {"name": settings.HUB_NAME}
    )


def reverse_connection_page(delivery: Delivery) -> str:
    reference = delivery.tenant.reference
    if delivery.connection is None:
        return reverse_or_empty("portal:catalogue", reference) or reverse_or_empty(
            "portal:home", reference
        )
    name = "portal:endpoint" if delivery.connection.is_tenant_endpoint else "portal:connection"
    return reverse_or_empty(name, reference, delivery.connection.public_id) or reverse_or_empty(
        "portal:home", reference
    )


def reverse_identity_page(delivery: Delivery) -> str:
    """Return the URL of the page that adds the missing identity.

    It is the connection's page if the delivery's detail was cut and no longer names the identity.
    """
    connection, missing = delivery.connection, IdentityMissing.parse(delivery.detail)
    if connection is None or missing is None:
        return reverse_connection_page(delivery)
    query = urlencode(dict(zip(("kind", "local_id"), missing, strict=True)))
    tenant_reference = delivery.tenant.reference
    page = reverse_or_empty("portal:identity_say", tenant_reference, connection.public_id)
    return f"{page}?{query}"
