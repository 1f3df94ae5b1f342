"""Models of incoming webhooks: endpoint -> message -> item, and the webhook subscriptions."""

from hub.incoming.models.endpoints import InboundCount, InboundEndpoint
from hub.incoming.models.items import InboundItem
from hub.incoming.models.messages import InboundBody, InboundMessage, InboxLease
from hub.incoming.models.subscriptions import WebhookSubscription

__all__ = [
    "InboundBody",
    "InboundCount",
    "InboundEndpoint",
    "InboundItem",
    "InboundMessage",
    "InboxLease",
    "WebhookSubscription",
]
