"""Who can mend what stops a delivery, and the one thing to do: a page, or a button of the delivery's own."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.conf import settings
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from connectors.registry import CONNECTORS
from hub.mappings.translate import IdentityMissing
from hub.outgoing.explain import Shown
from hub.outgoing.models import Delivery
from hub.words import endpoint_refusal

BY_CONNECTING = {
    "not_connected", "paused", "disabled", "needs_reconnect", "egress_refused", "credential_unreadable", "failing",
    "gone", "permission_missing", "disconnected",
}  # fmt: skip
BY_OPERATOR = {
    "filter_failed", "mapping_failed", "payload_refused", "defect", "tenant_suspended", "switched_off", "route_off",
}  # fmt: skip
BY_WAITING = {"refreshing", "breaker_open", "throttled", "maintenance", "awaiting_confirmation", "same_record"}


@dataclass(frozen=True, slots=True)
class Remedy:
    who: str
    words: str = ""
    url: str = ""  # empty: a button of the delivery's own, named by `verb`
    verb: str = ""


def remedy_of(delivery: Delivery, state: Shown) -> Remedy | None:
    """None where all is well."""
    if state.state in ("delivered", "sending", "skipped", "cancelled"):
        return None
    if state.reason in BY_OPERATOR or (goes_to_platform(delivery) and is_stuck(state)):
        return operator()
    if state.state == "failed":
        return Remedy(_("You, once the other system takes it."), _("Send it again now"), verb="retry")
    if state.reason == "identity_missing":
        return Remedy(_("You, or whoever manages connections in your team."), state.action, said_at(delivery))
    if state.reason in BY_CONNECTING:
        return Remedy(_("You, or whoever manages connections in your team."), state.action, mended_at(delivery))
    if state.reason == "unknown_effect":
        return Remedy(
            _("You: look in the other system whether it arrived."), _("It did not arrive: send it"), verb="retry"
        )
    if state.state == "waiting" and is_refused_by_endpoint(delivery):
        return Remedy(_("You: only your endpoint can change its answer. It is tried again by itself meanwhile."),
                      _("Try it now"), verb="retry")  # fmt: skip
    return Remedy(_("Nobody needs to: it goes by itself.")) if state.reason or state.state == "waiting" else None


def is_refused_by_endpoint(delivery: Delivery) -> bool:
    """Whether the customer's own endpoint answered 4xx the last time."""
    code = CONNECTORS.get(delivery.route.connector_key)
    return code is not None and code.own_endpoint and endpoint_refusal(delivery.reason) is not None


def goes_to_platform(delivery: Delivery) -> bool:
    """Only staff change a delivery over the platform's own connection."""
    return delivery.connection is not None and delivery.connection.tenant_id is None


def is_stuck(state: Shown) -> bool:
    """It does not go on by itself."""
    return state.state == "failed" or state.reason in BY_CONNECTING | {"identity_missing", "unknown_effect"}


def operator() -> Remedy:
    return Remedy(_("The people of %(name)s. Tell them the id of this delivery.") % {"name": settings.HUB_NAME})


def mended_at(delivery: Delivery) -> str:
    reference = delivery.tenant.reference
    if delivery.connection is None:
        return page("portal:catalogue", reference) or page("portal:home", reference)
    name = "portal:endpoint" if delivery.connection.connector_key == "webhook" else "portal:connection"
    return page(name, reference, delivery.connection.public_id) or page("portal:home", reference)


def said_at(delivery: Delivery) -> str:
    """Where a person says which of their records is meant; the page of all where the sentence is cut."""
    here, missing = delivery.connection, IdentityMissing.read(delivery.detail)
    if here is None or missing is None:
        return mended_at(delivery)
    said = urlencode(dict(zip(("kind", "ours"), missing, strict=True)))
    return f"{page('portal:identity_say', delivery.tenant.reference, here.public_id)}?{said}"


def page(name: str, *args: object) -> str:
    """Empty where this release has no such page."""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""
