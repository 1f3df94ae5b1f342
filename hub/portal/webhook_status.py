"""The webhooks registered for a connection as its page shows them, with the actions of visitors."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from hub.connections.models import Connection
from hub.incoming.insight.subscription_status import (
    SubscriptionStatus,
    describe_subscription,
    find_last_item_at,
    find_rotated_part,
    find_url,
    is_checked_by_hub,
    readable_subscriptions,
)
from hub.incoming.models import WebhookSubscription
from hub.incoming.registration.actions import (
    check_subscription,
    repair_subscription,
    rotate_subscription,
)

SUBSCRIPTIONS_SHOWN = 50


class SubscriptionAction(NamedTuple):
    label: str | Promise
    run: Callable[..., object]
    success_text: str | Promise


SUBSCRIPTION_ACTIONS = {
    "check": SubscriptionAction(
        gettext_lazy("Check now"), check_subscription, gettext_lazy("It is being checked.")
    ),
    "repair": SubscriptionAction(
        gettext_lazy("Repair"), repair_subscription, gettext_lazy("It is being repaired.")
    ),
    "rotate": SubscriptionAction(
        gettext_lazy("Rotate the secret"),
        rotate_subscription,
        gettext_lazy("A new secret is being registered. The old one is accepted for a day longer."),
    ),
}


@dataclass(frozen=True, slots=True)
class ShownSubscription:
    """A subscription as the page of its connection shows it."""

    subscription: WebhookSubscription
    status: SubscriptionStatus
    actions: dict[str, SubscriptionAction]  # none at an endpoint of all tenants
    url: str  # to be entered in the other system; empty: the hub registers it

    @property
    def last_item_at(self) -> datetime | None:
        """Return when an item last arrived; None at a URL of all tenants, which counts all."""
        is_own = self.subscription.endpoint.connection_id is not None
        return find_last_item_at(self.subscription) if is_own else None


def list_subscriptions(connection: Connection, *, reveals_url: bool) -> list[ShownSubscription]:
    """List the subscriptions that serve a connection, in one statement.

    `reveals_url`: whether the visitor may see URLs, which are secrets.
    """
    if connection.connector.webhook_source is None:
        return []
    shared = Q(endpoint__connection=None, endpoint__connector_key=connection.connector_key)
    rows = readable_subscriptions().filter(Q(endpoint__connection=connection) | shared)
    return [
        _build_shown(row, reveals_url=reveals_url)
        for row in rows.order_by("key")[:SUBSCRIPTIONS_SHOWN]
    ]


def _build_shown(subscription: WebhookSubscription, *, reveals_url: bool) -> ShownSubscription:
    is_own = subscription.endpoint.connection_id is not None
    needs_url = is_own and reveals_url and subscription.state == "manual"
    status = describe_subscription(subscription)
    if not is_own:  # our team registers it
        status = SubscriptionStatus(status.sentence, "", ())
    elif not reveals_url:  # the steps name the URL
        status = SubscriptionStatus(status.sentence, status.action, ())
    return ShownSubscription(
        subscription,
        status,
        _list_actions(subscription) if is_own else {},
        (find_url(subscription) or "") if needs_url else "",
    )


def _list_actions(subscription: WebhookSubscription) -> dict[str, SubscriptionAction]:
    endpoint = subscription.endpoint
    names = ["check"] if is_checked_by_hub(endpoint) else []
    if names and subscription.state != "verified":
        names.append("repair")
    if find_rotated_part(endpoint):
        names.append("rotate")
    return {name: SUBSCRIPTION_ACTIONS[name] for name in names}
