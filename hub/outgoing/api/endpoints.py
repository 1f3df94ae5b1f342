"""REST API of a webhook endpoint: the event types that it receives, and a test event."""

from typing import Any, ClassVar
from uuid import UUID

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hub.audit import ActorContext
from hub.connections.api.queries import find_visible_connection
from hub.connections.models import Connection
from hub.db.clock import clock
from hub.mappings.translate import MappingError, compile_filter
from hub.outgoing.api.deliveries import find_delivery
from hub.outgoing.models import TYPE_PATTERN
from hub.outgoing.serializers import DeliverySerializer
from hub.outgoing.subscriptions.endpoint_routes import (
    ENDPOINT_ACTIONS,
    load_endpoint_routes,
    subscribe_endpoint,
)
from hub.problems import Problem, StrictSerializer
from hub.rest import openapi
from hub.rest.actions import ActionResource, build_action_urls
from hub.rest.fields import TextField
from hub.rest.validation import validate_data

READ, WRITE = "connections:read", "connections:write"
MAX_TYPES, MAX_TYPE_LENGTH, MAX_FILTER_LENGTH = 100, 120, 4000
SUBSCRIPTION = {"event_types": ["order.*"], "filter": "data.total > `100`"}
NO_ENDPOINT = "Only webhook endpoints of a tenant choose their events and receive test events."


class SubscribeSerializer(StrictSerializer):
    """The events that an endpoint receives; they replace the earlier choice."""

    event_types = serializers.ListField(
        child=TextField(max_length=MAX_TYPE_LENGTH, validators=[TYPE_PATTERN]),
        max_length=MAX_TYPES,
        help_text="Such as order.created, order.* or *. Empty: none.",
    )
    filter = serializers.CharField(
        max_length=MAX_FILTER_LENGTH,
        required=False,
        default="",
        allow_blank=True,
        help_text="A JMESPath expression over the event; empty: every event of these types.",
    )

    def validate_filter(self, text: str) -> str:
        try:
            if text:
                compile_filter(text)
        except MappingError as error:
            raise serializers.ValidationError(f"The filter {error.message}.") from None
        return text


class SubscriptionSerializer(serializers.Serializer):
    """The events that an endpoint receives."""

    event_types = serializers.ListField(
        child=serializers.CharField(), source="patterns", help_text="What was chosen for it."
    )
    filter = serializers.CharField(help_text="Empty: every event of these types.")
    shared_event_types = serializers.SerializerMethodField(
        help_text="What staff send to every endpoint of the tenant; it cannot be changed here."
    )

    def get_shared_event_types(self, subscription: Any) -> list[str]:
        return sorted({route.event_type for route in subscription.shared_routes})


def _find_endpoint(request: Request, id: UUID) -> Connection:
    connection = find_visible_connection(request, id)
    if not connection.is_tenant_endpoint:
        raise Problem("wrong-state", NO_ENDPOINT)
    return connection


class SubscriptionView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ, "PUT": WRITE}

    @openapi.describe_operation(
        "connections_read_subscription",
        "Read which events an endpoint receives",
        {200: SubscriptionSerializer},
        problems=openapi.CHANGE_PROBLEMS,
    )
    def get(self, request: Request, id: UUID) -> Response:
        """Return the event types and the filter of a webhook endpoint."""
        subscription = load_endpoint_routes(_find_endpoint(request, id))
        return Response(SubscriptionSerializer(subscription).data)

    @openapi.describe_operation(
        "connections_subscribe",
        "Choose which events an endpoint receives",
        {200: SubscriptionSerializer},
        problems=openapi.CHANGE_PROBLEMS,
        request=SubscribeSerializer,
        requests=[openapi.request_example("large orders", SUBSCRIPTION)],
    )
    def put(self, request: Request, id: UUID) -> Response:
        """Set the event types and the filter of a webhook endpoint for the events from now on.

        A type that another of the list covers is left out. Existing deliveries are not changed.
        """
        endpoint = _find_endpoint(request, id)
        data = validate_data(SubscribeSerializer, request.data)
        actor = ActorContext.of_request(request)
        subscribe_endpoint(endpoint, data["event_types"], actor, filter=data["filter"], now=clock())
        return Response(SubscriptionSerializer(load_endpoint_routes(endpoint)).data)


ENDPOINT_ACTION_URLS = build_action_urls(
    ActionResource(
        rows="connections",
        row="connection",
        created="delivery",
        find=find_delivery,
        find_changeable=_find_endpoint,
        serializer=DeliverySerializer,
        serialize=lambda request, delivery: DeliverySerializer(delivery).data,
    ),
    ENDPOINT_ACTIONS,
)
