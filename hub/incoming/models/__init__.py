"""Models of incoming webhooks: endpoint -> message -> item, and the webhook subscriptions."""

from hub.incoming.models.endpoints import InboundCount, InboundEndpoint
from hub.incoming.models.items import InboundItem
from hub.incoming.models.messages import READ_METHOD, InboundBody, InboundMessage
from hub.incoming.models.subscriptions import WebhookAddress, WebhookSubscription

__all__ = [
    "READ_METHOD",
    "InboundBody",
    "InboundCount",
    "InboundEndpoint",
    "InboundItem",
    "InboundMessage",
    "WebhookAddress",
    "WebhookSubscription",
]
