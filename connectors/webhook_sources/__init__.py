"""The roles of a connector that receives webhooks, and keeps the registrations for them.

`WebhookSource`: how a system delivers webhooks; `Subscriptions`: how the hub registers for them;
handshakes: how a provider's check of our URL is answered; `check_pasted_request`: try a request
that a person pastes.
"""

from connectors.webhook_sources.canaries import (
    GONE,
    MARK_PREFIX,
    Canary,
    HeartbeatEvent,
    HeartbeatSearch,
)
from connectors.webhook_sources.feeds import Feed
from connectors.webhook_sources.handshakes import (
    URL_VERIFICATION,
    FixedAnswer,
    Handshake,
    respond_to_handshake,
)
from connectors.webhook_sources.pasted_requests import (
    MAX_PASTED_LENGTH,
    PastedRequestCheck,
    check_pasted_request,
)
from connectors.webhook_sources.sender_rules import (
    FailedShare,
    FailuresInARow,
    NothingAccepted,
    RecentAnswers,
    SenderRule,
)
from connectors.webhook_sources.source import (
    MAX_ID_LENGTH,
    NO_SETTINGS,
    AccountChange,
    IncomingEventType,
    Item,
    RecordChange,
    StoredRequest,
    UnreadableItem,
    WebhookSource,
    clean_id,
)
from connectors.webhook_sources.subscriptions import (
    BANNED,
    INACTIVE,
    NOT_SUPPORTED,
    ONLY_BY_HAND,
    FoundSubscription,
    Step,
    SubscriptionPage,
    Subscriptions,
    WantedSubscription,
    WatchCosts,
)

__all__ = [
    "AccountChange",
    "BANNED",
    "Canary",
    "Feed",
    "FailedShare",
    "FailuresInARow",
    "FixedAnswer",
    "GONE",
    "Handshake",
    "HeartbeatEvent",
    "HeartbeatSearch",
    "INACTIVE",
    "IncomingEventType",
    "Item",
    "MARK_PREFIX",
    "MAX_ID_LENGTH",
    "MAX_PASTED_LENGTH",
    "NOT_SUPPORTED",
    "NO_SETTINGS",
    "NothingAccepted",
    "ONLY_BY_HAND",
    "FoundSubscription",
    "PastedRequestCheck",
    "RecentAnswers",
    "RecordChange",
    "SenderRule",
    "Step",
    "StoredRequest",
    "SubscriptionPage",
    "URL_VERIFICATION",
    "Subscriptions",
    "UnreadableItem",
    "WantedSubscription",
    "WatchCosts",
    "WebhookSource",
    "check_pasted_request",
    "clean_id",
    "respond_to_handshake",
]
