"""URLs of incoming webhooks, and of the REST API of what arrived."""

from django.urls import path

from hub.incoming.api.inbound import InboundItemView, InboundView, ReplayView
from hub.incoming.api.replays import ReplaysView
from hub.incoming.api.webhook_subscriptions import (
    CheckView,
    RepairView,
    RotateView,
    WebhookSubscriptionsView,
    WebhookSubscriptionView,
)
from hub.incoming.api.webhooks import InboundWebhookView

SUBSCRIPTION_PATH = "api/v1/webhook-subscriptions/<uuid:id>"

urlpatterns = [
    path("hooks/<slug:connector>/<str:key>/", InboundWebhookView.as_view(), name="inbound_webhook"),
    path("api/v1/inbound", InboundView.as_view(), name="inbound"),
    path("api/v1/inbound/replays", ReplaysView.as_view(), name="inbound_replays"),
    path("api/v1/inbound/<uuid:id>", InboundItemView.as_view(), name="inbound_item"),
    path("api/v1/inbound/<uuid:id>/replay", ReplayView.as_view(), name="inbound_item_replay"),
    path(
        "api/v1/webhook-subscriptions",
        WebhookSubscriptionsView.as_view(),
        name="webhook_subscriptions",
    ),
    path(SUBSCRIPTION_PATH, WebhookSubscriptionView.as_view(), name="webhook_subscription"),
    path(f"{SUBSCRIPTION_PATH}/check", CheckView.as_view(), name="webhook_subscription_check"),
    path(f"{SUBSCRIPTION_PATH}/repair", RepairView.as_view(), name="webhook_subscription_repair"),
    path(f"{SUBSCRIPTION_PATH}/rotate", RotateView.as_view(), name="webhook_subscription_rotate"),
]
