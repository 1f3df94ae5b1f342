"""The webhooks registered for a connection as its page shows them, with the actions of visitors."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from django.db.models import Q

from hub.connections.models import Connection
from hub.incoming.gaps import describe_completeness, find_sources
from hub.incoming.insight.subscription_status import (
    SubscriptionStatus,
    describe_subscription,
    find_last_item_at,
    find_url,
    readable_subscriptions,
)
from hub.incoming.models import InboundItem, WebhookSubscription
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
    last_item_at: datetime | None  # when an item of this connection last arrived


def list_subscriptions(connection: Connection, *, reveals_url: bool) -> list[ShownSubscription]:
    """List the subscriptions that serve a connection, in at most two statements.

    `reveals_url`: whether the visitor may see URLs, which are secrets.
    """
    if connection.connector.webhook_source is None:
        return []
    shared = Q(endpoint__connection=None, endpoint__connector_key=connection.connector_key)
    rows = readable_subscriptions().filter(Q(endpoint__connection=connection) | shared)
    subscriptions = list(rows.order_by("key")[:SUBSCRIPTIONS_SHOWN])
    is_shared = any(row.endpoint.connection_id is None for row in subscriptions)
    last_item_at = _find_newest_item_at(connection) if is_shared else None
    return [_build_shown(row, last_item_at, reveals_url=reveals_url) for row in subscriptions]


def build_sources_context(connection: Connection, *, zone: tzinfo, now: datetime) -> dict[str, Any]:
    """Return the sources of a connection, and a sentence about until when they are complete."""
    if connection.connector.webhook_source is None:
        return {}
    return {
        "sources": find_sources(connection.pk),
        "completeness": describe_completeness(connection, zone=zone, now=now),
    }


def _find_newest_item_at(connection: Connection) -> datetime | None:
    """Return when the connection's newest item arrived: a URL of all tenants counts all items."""
    items = InboundItem.unscoped.filter(connection=connection).order_by("-pk")
    return items.values_list("received_at", flat=True).first()


def _build_shown(
    subscription: WebhookSubscription, newest_item_at: datetime | None, *, reveals_url: bool
) -> ShownSubscription:
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
        find_last_item_at(subscription) if is_own else newest_item_at,
    )
