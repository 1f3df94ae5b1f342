"""REST API: webhook subscriptions, their states, and the actions on them."""

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hub.audit import ActorContext
from hub.db.clock import clock
from hub.incoming.api import openapi_examples
from hub.incoming.insight.subscription_status import readable_subscriptions
from hub.incoming.models import WebhookSubscription
from hub.incoming.registration.actions import (
    SubscriptionActionRefused,
    check_subscription,
    repair_subscription,
    rotate_subscription,
)
from hub.incoming.serializers import (
    WebhookSubscriptionDetailSerializer,
    WebhookSubscriptionSerializer,
)
from hub.outgoing.api.key_user import get_key_user
from hub.problems import Problem
from hub.rest import openapi
from hub.rest.pagination import PageQuery, paginate_response, parse_query
from tenants.access.api_authentication import filter_by_tenant
from tenants.scoping import accessible_tenants, changeable_condition, readable_condition

READ, WRITE = "webhook-subscriptions:read", "webhook-subscriptions:write"


class WebhookSubscriptionsQuery(PageQuery):
    tenant = serializers.CharField(required=False)
    state = serializers.ChoiceField(WebhookSubscription.State.choices, required=False)
    connector = serializers.CharField(max_length=40, required=False)
    connection = serializers.UUIDField(required=False)


QUERY_FILTERS: dict[str, Callable[[Any], Q]] = {
    "state": lambda state: Q(state=state),
    "connector": lambda key: Q(endpoint__connector_key=key),
    "connection": lambda id: Q(endpoint__connection__public_id=id),
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

    @openapi.describe_operation(
        "webhook_subscriptions_list",
        "List webhook subscriptions",
        {200: openapi.page_schema(WebhookSubscriptionSerializer, "WebhookSubscriptionPage")},
        problems=openapi.READ_PROBLEMS,
        parameters=[WebhookSubscriptionsQuery],
        examples={"a page": openapi.list_example(openapi_examples.SUBSCRIPTION)},
    )
    def get(self, request: Request) -> Response:
        """List our registrations in other systems, newest first."""
        query = parse_query(request, WebhookSubscriptionsQuery)
        subscriptions = filter_by_tenant(request, query_subscriptions(request), query)
        for name in QUERY_FILTERS.keys() & query.keys():
            subscriptions = subscriptions.filter(QUERY_FILTERS[name](query[name]))
        return paginate_response(request, subscriptions, query, WebhookSubscriptionSerializer)


class WebhookSubscriptionView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ}

    @openapi.describe_operation(
        "webhook_subscriptions_read",
        "Read a webhook subscription",
        {200: WebhookSubscriptionDetailSerializer},
        problems=["not-found"],
        examples={"read": openapi_examples.SUBSCRIPTION_DETAIL},
    )
    def get(self, request: Request, id: UUID) -> Response:
        """Return a registration with what the other system reported, and what a person must do."""
        return Response(_serialize(request, find_subscription(request, id)))


def _serialize(request: Request, subscription: WebhookSubscription) -> dict[str, Any]:
    """Return the details, with the URL, which is a secret, only to keys that may rotate it."""
    context = {"reveals_url": WRITE in get_key_user(request).key.scopes}
    data: dict[str, Any] = WebhookSubscriptionDetailSerializer(subscription, context=context).data
    return data


def _describe_action(summary: str, name: str) -> Any:
    return openapi.describe_operation(
        f"webhook_subscriptions_{name}",
        summary,
        {202: WebhookSubscriptionDetailSerializer},
        problems=openapi.CHANGE_PROBLEMS,
        request=None,
        examples={"requested": openapi_examples.SUBSCRIPTION_DETAIL},
    )


def _apply_action(request: Request, id: UUID, action: Callable[..., object]) -> Response:
    """Apply an action that continues in the background at the external system."""
    try:
        action(find_subscription(request, id), ActorContext.of_request(request), now=clock())
    except SubscriptionActionRefused as refused:
        raise Problem("wrong-state", str(refused)) from refused
    return Response(_serialize(request, find_subscription(request, id)), status=202)


class SubscriptionActionView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": WRITE}


class CheckView(SubscriptionActionView):
    @_describe_action("Check a webhook subscription", "check")
    def post(self, request: Request, id: UUID) -> Response:
        """Compare the registration with the other system's now; what differs is repaired."""
        return _apply_action(request, id, check_subscription)


class RepairView(SubscriptionActionView):
    @_describe_action("Repair a webhook subscription", "repair")
    def post(self, request: Request, id: UUID) -> Response:
        """Register it again as it should be now, however often that failed before."""
        return _apply_action(request, id, repair_subscription)


class RotateView(SubscriptionActionView):
    @_describe_action("Rotate the secret of a webhook subscription", "rotate")
    def post(self, request: Request, id: UUID) -> Response:
        """Make a new secret, or a new URL where the URL is the secret; the old one is accepted for
        24 hours more.
        """
        return _apply_action(request, id, rotate_subscription)
