"""Models of incoming webhooks: endpoint -> message -> item, subscriptions, sources and gaps."""

from hub.incoming.models.endpoints import InboundCount, InboundEndpoint
from hub.incoming.models.gaps import InboundGap
from hub.incoming.models.items import InboundItem
from hub.incoming.models.messages import READ_METHOD, InboundBody, InboundMessage
from hub.incoming.models.sources import (
    InboundSource,
    RhythmDay,
    RhythmPosition,
    SourceCanary,
    SourceRhythm,
)
from hub.incoming.models.subscriptions import WebhookAddress, WebhookSubscription

__all__ = [
    "READ_METHOD",
    "InboundBody",
    "InboundCount",
    "InboundEndpoint",
    "InboundGap",
    "InboundItem",
    "InboundMessage",
    "InboundSource",
    "RhythmDay",
    "RhythmPosition",
    "SourceCanary",
    "SourceRhythm",
    "WebhookAddress",
    "WebhookSubscription",
]
