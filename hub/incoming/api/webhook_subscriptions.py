"""REST API: webhook subscriptions, their states, and the actions on them."""

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hub.incoming.insight.subscription_status import readable_subscriptions
from hub.incoming.models import SourceCanary, WebhookSubscription
from hub.incoming.registration.actions import WRITE_SCOPE
from hub.incoming.serializers.subscriptions import (
    AllowedSourcesSerializer,
    CanaryOnSerializer,
    SubscriptionCanarySerializer,
    WebhookSubscriptionDetailSerializer,
    WebhookSubscriptionSerializer,
)
from hub.incoming.watch.source_actions import WEBHOOK_ACTIONS, find_source
from hub.rest import openapi
from hub.rest.actions import ActionAnswer, ActionBody, ActionResource, build_action_urls
from hub.rest.pagination import PageQuery
from hub.rest.views import build_list
from tenants.access.api_authentication import api_key_of, in_tenant
from tenants.scoping import accessible_tenants, changeable_condition, readable_condition

READ = "webhook-subscriptions:read"


class WebhookSubscriptionsQuery(PageQuery):
    tenant = serializers.CharField(required=False)
    state = serializers.ChoiceField(WebhookSubscription.State.choices, required=False)
    connector = serializers.CharField(max_length=40, required=False)
    connection = serializers.UUIDField(required=False)


QUERY_FILTERS = {
    "state": "state",
    "connector": "endpoint__connector_key",
    "connection": "endpoint__connection__public_id",
}


def query_subscriptions(request: Request) -> QuerySet[WebhookSubscription]:
    """Select the subscriptions that the key may read or change, by the request's method."""
    allowed = readable_condition if request.method == "GET" else changeable_condition
    return readable_subscriptions().filter(
        allowed(WebhookSubscription, accessible_tenants(request.user))
    )


def find_subscription(request: Request, id: UUID) -> WebhookSubscription:
    return get_object_or_404(query_subscriptions(request), public_id=id)


class WebhookSubscriptionsView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ}

    get = build_list(
        "webhook_subscriptions_list",
        "List webhook subscriptions",
        "List our registrations in other systems, newest first.",
        WebhookSubscriptionSerializer,
        page="WebhookSubscriptionPage",
        rows=in_tenant(query_subscriptions),
        query=WebhookSubscriptionsQuery,
        filters=QUERY_FILTERS,
    )


class WebhookSubscriptionView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ}

    @openapi.describe_operation(
        "webhook_subscriptions_read",
        "Read a webhook subscription",
        {200: WebhookSubscriptionDetailSerializer},
        problems=["not-found"],
    )
    def get(self, request: Request, id: UUID) -> Response:
        """Return a registration with what the other system reported, and what a person must do."""
        return Response(_serialize(request, find_subscription(request, id)))


def _serialize(request: Request, subscription: WebhookSubscription) -> dict[str, Any]:
    """Return the details, with the URL, which is a secret, only to keys that may rotate it."""
    context = {"reveals_url": WRITE_SCOPE in api_key_of(request).scopes}
    data: dict[str, Any] = WebhookSubscriptionDetailSerializer(subscription, context=context).data
    return data


def _serialize_canary(remaining: str | None, subscription: WebhookSubscription) -> dict[str, Any]:
    """Return the canary by which a subscription is proved; `remaining`: why its record remains."""
    source = find_source(subscription)
    canary = SourceCanary.unscoped.filter(source=source).first()
    row = {"source": source, "canary": canary, "remaining": remaining or ""}
    data: dict[str, Any] = SubscriptionCanarySerializer(row).data
    return data


SUBSCRIPTION_ACTION_URLS = build_action_urls(
    ActionResource(
        rows="webhook-subscriptions",
        row="webhook_subscription",
        find=find_subscription,
        find_changeable=find_subscription,
        serializer=WebhookSubscriptionDetailSerializer,
        serialize=_serialize,
        bodies={
            "allow_sources": ActionBody(
                AllowedSourcesSerializer,
                [openapi.request_example("one network", {"networks": ["203.0.113.0/24"]})],
            ),
            "canary_on": ActionBody(
                CanaryOnSerializer, [openapi.request_example("each hour", {"minutes": 60})]
            ),
        },
        answers={
            "canary_on": ActionAnswer(SubscriptionCanarySerializer, _serialize_canary, 202),
            "canary_off": ActionAnswer(SubscriptionCanarySerializer, _serialize_canary),
        },
    ),
    WEBHOOK_ACTIONS,
)
