"""Admin pages of incoming webhooks: items, requests, sources and webhook subscriptions."""

from hub.incoming.admin.items import InboundItemAdmin
from hub.incoming.admin.messages import InboundMessageAdmin
from hub.incoming.admin.sources import InboundSourceAdmin
from hub.incoming.admin.subscriptions import WebhookSubscriptionAdmin

__all__ = [
    "InboundItemAdmin",
    "InboundMessageAdmin",
    "InboundSourceAdmin",
    "WebhookSubscriptionAdmin",
]
