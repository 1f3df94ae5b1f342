"""URLs of incoming webhooks."""

from django.urls import path

from hub.incoming.api.webhooks import InboundWebhookView

urlpatterns = [
    path("hooks/<slug:connector>/<str:key>/", InboundWebhookView.as_view(), name="inbound_webhook"),
]
