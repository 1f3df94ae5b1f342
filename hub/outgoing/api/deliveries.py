"""REST API: read deliveries and their explanations."""

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hub.db.clock import clock
from hub.db.ids import smallest_id_at
from hub.outgoing.api import openapi_examples
from hub.outgoing.insight.explain import (
    explain_delivery,
    match_effective_reason,
    match_effective_state,
    readable_deliveries,
)
from hub.outgoing.models import Attempt, Delivery, Exchange
from hub.outgoing.serializers import (
    DeliveryDetailSerializer,
    DeliverySerializer,
    ExplanationSerializer,
)
from hub.rest import openapi
from hub.rest.fields import TimestampField
from hub.rest.pagination import PageQuery, paginate_response, parse_query
from tenants.access.api_authentication import filter_by_tenant
from tenants.scoping import accessible_tenants, readable_condition

READ = "deliveries:read"


class DeliveriesQuery(PageQuery):
    tenant = serializers.CharField(required=False)
    state = serializers.ChoiceField(Delivery.State.choices, required=False)
    reason = serializers.CharField(max_length=40, required=False)
    event = serializers.UUIDField(required=False)
    route = serializers.UUIDField(required=False)
    connection = serializers.UUIDField(required=False)
    type = serializers.CharField(max_length=120, required=False, help_text="ID of the event.")
    since = TimestampField(required=False, help_text="Accepted at or after this time.")
    until = TimestampField(required=False, help_text="Accepted before this time.")


QUERY_FILTERS: dict[str, Callable[[Any], Q]] = {
    "state": match_effective_state,
    "reason": match_effective_reason,
    "event": lambda id: Q(event__public_id=id),
    "route": lambda id: Q(route__public_id=id),
    "connection": lambda id: Q(connection__public_id=id),
    "type": lambda type: Q(event__type=type),
    # ids are in order of time, and indexed
    "since": lambda moment: Q(public_id__gte=smallest_id_at(moment)),
    "until": lambda moment: Q(public_id__lt=smallest_id_at(moment)),
}


def _visible_deliveries(request: Request) -> QuerySet[Delivery]:
    return readable_deliveries().filter(
        readable_condition(Delivery, accessible_tenants(request.user))
    )


def find_delivery(request: Request, id: UUID) -> Delivery:
    return get_object_or_404(_visible_deliveries(request), public_id=id)


class DeliveriesView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ}

    @openapi.describe_operation(
        "deliveries_list",
        "List deliveries",
        {200: openapi.page_schema(DeliverySerializer, "DeliveryPage")},
        problems=openapi.READ_PROBLEMS,
        parameters=[DeliveriesQuery],
        examples={"a page": openapi.list_example(openapi_examples.DELIVERY)},
    )
    def get(self, request: Request) -> Response:
        """List deliveries, newest first."""
        query = parse_query(request, DeliveriesQuery, now=clock())
        deliveries = filter_by_tenant(request, _visible_deliveries(request), query)
        for name in QUERY_FILTERS.keys() & query.keys():
            deliveries = deliveries.filter(QUERY_FILTERS[name](query[name]))
        return paginate_response(request, deliveries, query, DeliverySerializer)


class DeliveryView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ}

    @openapi.describe_operation(
        "deliveries_read",
        "Read a delivery",
        {200: DeliveryDetailSerializer},
        problems=["not-found"],
        examples={
            "read": openapi_examples.DELIVERY
            | {"attempts": [openapi_examples.ATTEMPT | {"exchange": openapi_examples.EXCHANGE}]}
        },
    )
    def get(self, request: Request, id: UUID) -> Response:
        """Return a delivery with each attempt and its HTTP call."""
        delivery = find_delivery(request, id)
        attempts = _load_attempts_with_exchanges(delivery)
        delivery._prefetched_objects_cache = {  # type: ignore[attr-defined]  # prefetch_related()'s
            "attempts": attempts
        }
        return Response(DeliveryDetailSerializer(delivery).data)


def _load_attempts_with_exchanges(delivery: Delivery) -> list[Attempt]:
    """Load the attempts, each with its call.

    The URL of a call on the platform's own connection is left out.
    """
    attempts = list(Attempt.unscoped.filter(delivery=delivery))
    exchanges = Exchange.objects.defer("request_body", "response_body").in_bulk(
        [attempt.exchange for attempt in attempts if attempt.exchange]
    )
    is_platform = delivery.connection is not None and delivery.connection.tenant_id is None
    for attempt in attempts:
        attempt.carried_by = exchanges.get(attempt.exchange) if attempt.exchange else None
        if attempt.carried_by and is_platform:
            attempt.carried_by.url = None  # type: ignore[assignment]  # shown as null, not stored
    return attempts


class ExplainView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ}

    @openapi.describe_operation(
        "deliveries_explain",
        "Explain a delivery",
        {200: ExplanationSerializer},
        problems=["not-found"],
        examples={"explained": openapi_examples.EXPLANATION},
    )
    def get(self, request: Request, id: UUID) -> Response:
        """Explain why a delivery was not delivered: the checks in order, and the next step."""
        return Response(
            ExplanationSerializer(explain_delivery(find_delivery(request, id), now=clock())).data
        )
