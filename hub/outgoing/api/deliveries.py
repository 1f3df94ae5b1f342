"""REST API: read deliveries and their explanations."""

from typing import ClassVar
from uuid import UUID

from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from hub.db.clock import clock
from hub.db.ids import smallest_id_at
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
from hub.rest.fields import TimestampField
from hub.rest.pagination import PageQuery
from hub.rest.views import Filters, build_detail, build_list
from tenants.access.api_authentication import in_tenant
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


QUERY_FILTERS: Filters = {
    "state": match_effective_state,
    "reason": match_effective_reason,
    "event": "event__public_id",
    "route": "route__public_id",
    "connection": "connection__public_id",
    "type": "event__type",
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

    get = build_list(
        "deliveries_list",
        "List deliveries",
        "List deliveries, newest first.",
        DeliverySerializer,
        page="DeliveryPage",
        rows=in_tenant(_visible_deliveries),
        query=DeliveriesQuery,
        filters=QUERY_FILTERS,
    )


def _find_delivery_with_attempts(request: Request, id: UUID) -> Delivery:
    delivery = find_delivery(request, id)
    attempts = _load_attempts_with_exchanges(delivery)
    delivery._prefetched_objects_cache = {  # type: ignore[attr-defined]  # prefetch_related()'s
        "attempts": attempts
    }
    return delivery


class DeliveryView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ}

    get = build_detail(
        "deliveries_read",
        "Read a delivery",
        "Return a delivery with each attempt and its HTTP call.",
        DeliveryDetailSerializer,
        _find_delivery_with_attempts,
    )


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

    get = build_detail(
        "deliveries_explain",
        "Explain a delivery",
        "Explain why a delivery was not delivered: the checks in order, and the next step.",
        ExplanationSerializer,
        lambda request, id: explain_delivery(find_delivery(request, id), now=clock()),
    )
