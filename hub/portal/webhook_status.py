"""The webhooks registered for a connection as its page shows them, with the actions of visitors."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from hub.connections.models import Connection
from hub.incoming.insight.subscription_status import (
    SubscriptionStatus,
    describe_subscription,
    find_last_item_at,
    find_url,
    readable_subscriptions,
)
from hub.incoming.models import WebhookSubscription
from hub.incoming.watch.source_actions import WEBHOOK_ACTIONS
from hub.portal.actions import OfferedAction, list_possible_actions

SUBSCRIPTIONS_SHOWN = 50


@dataclass(frozen=True, slots=True)
class ShownSubscription:
    """A subscription as the page of its connection shows it."""

    subscription: WebhookSubscription
    status: SubscriptionStatus
    actions: Mapping[str, OfferedAction]  # none at an endpoint of all tenants
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
        {
            offered.action.name: offered
            for offered in list_possible_actions(WEBHOOK_ACTIONS, subscription)
            if (offered.action.name, subscription.state) != ("repair", "verified")
        }
        if is_own
        else {},
        (find_url(subscription) or "") if needs_url else "",
    )
