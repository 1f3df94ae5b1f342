"""URLs of incoming webhooks, and of the REST API of what arrived."""

from django.urls import include, path

from hub.incoming.api.inbound import ITEM_ACTION_URLS, InboundItemView, InboundView
from hub.incoming.api.replays import ReplaysView
from hub.incoming.api.sources import (
    GAP_ACTION_URLS,
    SOURCE_ACTION_URLS,
    GapsView,
    GapView,
    SourcesView,
    SourceView,
)
from hub.incoming.api.webhook_subscriptions import (
    SUBSCRIPTION_ACTION_URLS,
    WebhookSubscriptionsView,
    WebhookSubscriptionView,
)
from hub.incoming.api.webhooks import InboundWebhookView
from hub.incoming.endpoints.create import ENDPOINT_PATH

urlpatterns = [
    path(
        ENDPOINT_PATH.format(connector="<slug:connector>", key="<str:key>"),
        InboundWebhookView.as_view(),
        name="inbound_webhook",
    ),
    path("api/v1/inbound", InboundView.as_view(), name="inbound"),
    path("api/v1/inbound/replays", ReplaysView.as_view(), name="inbound_replays"),
    path("api/v1/inbound/<uuid:id>", InboundItemView.as_view(), name="inbound_item"),
    path("api/v1/", include(ITEM_ACTION_URLS)),
    path(
        "api/v1/webhook-subscriptions",
        WebhookSubscriptionsView.as_view(),
        name="webhook_subscriptions",
    ),
    path(
        "api/v1/webhook-subscriptions/<uuid:id>",
        WebhookSubscriptionView.as_view(),
        name="webhook_subscription",
    ),
    path("api/v1/", include(SUBSCRIPTION_ACTION_URLS)),
    path("api/v1/sources", SourcesView.as_view(), name="sources"),
    path("api/v1/sources/<uuid:id>", SourceView.as_view(), name="source"),
    path("api/v1/", include(SOURCE_ACTION_URLS)),
    path("api/v1/gaps", GapsView.as_view(), name="gaps"),
    path("api/v1/gaps/<uuid:id>", GapView.as_view(), name="gap"),
    path("api/v1/", include(GAP_ACTION_URLS)),
]
