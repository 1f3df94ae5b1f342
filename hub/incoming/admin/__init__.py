"""Admin pages of incoming webhooks: items, requests, sources, gaps and webhook subscriptions."""

from hub.incoming.admin.gaps import InboundGapAdmin
from hub.incoming.admin.items import InboundItemAdmin
from hub.incoming.admin.messages import InboundMessageAdmin
from hub.incoming.admin.sources import InboundSourceAdmin
from hub.incoming.admin.subscriptions import WebhookSubscriptionAdmin

__all__ = [
    "InboundGapAdmin",
    "InboundItemAdmin",
    "InboundMessageAdmin",
    "InboundSourceAdmin",
    "WebhookSubscriptionAdmin",
]
