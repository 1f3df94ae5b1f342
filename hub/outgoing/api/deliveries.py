"""Read deliveries, have them explained, and decide about them."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import Http404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hub import audit
from hub.db.clock import clock
from hub.db.state_machine import InvalidTransition
from hub.limits.spending import spend_exactly
from hub.outgoing.api import openapi_examples as openapi
from hub.outgoing.insight.explain import (
    explain_delivery,
    match_effective_reason,
    match_effective_state,
    readable_deliveries,
    resolve_effective_state,
)
from hub.outgoing.insight.search import smallest_id_at
from hub.outgoing.models import Attempt, Delivery, Exchange
from hub.outgoing.operations import delivery_actions
from hub.outgoing.serializers import (
    DeliveryDetailSerializer,
    DeliverySerializer,
    ExplanationSerializer,
)
from hub.problems import Problem
from hub.rest.fields import TimestampField, object_url
from hub.rest.pagination import PageQuery, paginate_response, parse_query
from tenants.access.api_authentication import resolve_tenant
from tenants.scoping import accessible_tenants, changeable_rows, readable_condition

READ, WRITE = "deliveries:read", "deliveries:write"
PLATFORM_ONLY = (
    "This delivery goes over the platform's own connection, such as to our own application. "
    "Only a platform key may change it."
)


class DeliveriesQuery(PageQuery):
    tenant = serializers.CharField(required=False)
    state = serializers.ChoiceField(Delivery.State.choices, required=False)
    reason = serializers.CharField(max_length=40, required=False)
    event = serializers.UUIDField(required=False)
    route = serializers.UUIDField(required=False)
    connection = serializers.UUIDField(required=False)
    type = serializers.CharField(max_length=120, required=False, help_text="Of the event.")
    since = TimestampField(required=False, help_text="Accepted then or later.")
    until = TimestampField(required=False, help_text="Accepted before.")


QUERY_FILTERS: dict[str, Callable[[Any], Q]] = {
    "state": match_effective_state,
    "reason": match_effective_reason,
    "event": lambda id: Q(event__public_id=id),
    "route": lambda id: Q(route__public_id=id),
    "connection": lambda id: Q(connection__public_id=id),
    "type": lambda type: Q(event__type=type),
    "since": lambda moment: Q(
        public_id__gte=smallest_id_at(moment)
    ),  # ids are in order of time, and indexed
    "until": lambda moment: Q(public_id__lt=smallest_id_at(moment)),
}


def _visible_deliveries(request: Request) -> QuerySet[Delivery]:
    return readable_deliveries().filter(
        readable_condition(Delivery, accessible_tenants(request.user))
    )


def find_delivery(request: Request, id: UUID) -> Delivery:
    delivery = _visible_deliveries(request).filter(public_id=id).first()
    if delivery is None:
        raise Http404
    return delivery


class DeliveriesView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ}

    @openapi.describe_operation(
        "deliveries_list",
        "List deliveries",
        {200: openapi.page_schema(DeliverySerializer, "DeliveryPage")},
        problems=openapi.READ_PROBLEMS,
        parameters=[DeliveriesQuery],
        examples={"a page": openapi.list_example(openapi.DELIVERY)},
    )
    def get(self, request: Request) -> Response:
        """The newest first."""
        query = parse_query(request, DeliveriesQuery, now=clock())
        deliveries = _visible_deliveries(request)
        if "tenant" in query:
            deliveries = deliveries.filter(tenant=resolve_tenant(request, query["tenant"]))
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
            "read": openapi.DELIVERY
            | {"attempts": [openapi.ATTEMPT | {"exchange": openapi.EXCHANGE}]}
        },
    )
    def get(self, request: Request, id: UUID) -> Response:
        """A delivery with each attempt, and the call that carried it."""
        delivery = find_delivery(request, id)
        delivery._prefetched_objects_cache = {"attempts": _load_attempts_with_exchanges(delivery)}
        return Response(DeliveryDetailSerializer(delivery).data)


def _load_attempts_with_exchanges(delivery: Delivery) -> list[Attempt]:
    """Its attempts, each with the call that carried it; the address of the platform's own connection is its own."""
    attempts = list(Attempt.unscoped.filter(delivery=delivery))
    exchanges = Exchange.objects.defer("request_body", "response_body").in_bulk(
        [attempt.exchange for attempt in attempts if attempt.exchange]
    )
    for attempt in attempts:
        attempt.carried_by = exchanges.get(attempt.exchange)
        if attempt.carried_by and delivery.connection.tenant_id is None:
            attempt.carried_by.url = None
    return attempts


class ExplainView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ}

    @openapi.describe_operation(
        "deliveries_explain",
        "Explain a delivery",
        {200: ExplanationSerializer},
        problems=["not-found"],
        examples={"explained": openapi.EXPLANATION},
    )
    def get(self, request: Request, id: UUID) -> Response:
        """Why it was not delivered: the stations of its way, and the one thing to do."""
        return Response(
            ExplanationSerializer(explain_delivery(find_delivery(request, id), now=clock())).data
        )


# --- deciding --------------------------------------------------------------------------------------------------------


def _find_changeable_delivery(request: Request, id: UUID) -> Delivery:
    delivery = find_delivery(request, id)
    if not changeable_rows(Delivery, request.user).filter(pk=delivery.pk).exists():
        raise Problem("permission-denied", PLATFORM_ONLY)
    return delivery


def apply_delivery_action(
    request: Request, id: UUID, verb: str, action: Callable[..., Delivery | None]
) -> Delivery:
    """Do it and tell the audit, or neither; `action` gives the new delivery where it makes one."""
    now = clock()
    try:
        with transaction.atomic():
            delivery = _find_changeable_delivery(request, id)
            before = resolve_effective_state(delivery)
            if (
                verb.removeprefix("delivery.") in delivery_actions.REPLAY_ACTIONS
                and request.user.tenant
            ):
                spend_exactly(request.user.tenant, "replays", now=now)
            changed = action(delivery, now=now) or delivery
            _audit_delivery_action(
                request,
                verb,
                delivery,
                {"state": before.state, "reason": before.reason},
                changed,
                now=now,
            )
    except InvalidTransition as error:
        words = f"{before.sentence} {before.action}".strip()
        raise Problem("wrong-state", f"The delivery is {before.state}. {words}") from error
    return find_delivery(request, changed.public_id)


def _audit_delivery_action(
    request: Request,
    verb: str,
    delivery: Delivery,
    before: dict[str, Any],
    changed: Delivery,
    *,
    now: datetime,
) -> None:
    audit.record(
        actor=request.user.actor,
        verb=verb,
        obj=delivery,
        tenant=delivery.tenant,
        before=before,
        after={
            "state": changed.state,
            "reason": changed.reason,
            "delivery": str(changed.public_id),
        },
        request_id=request.request_id,
        ip=request.META.get("REMOTE_ADDR", ""),
        now=now,
    )


class RetryView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": WRITE}

    @openapi.describe_operation(
        "deliveries_retry",
        "Retry a delivery",
        {200: DeliverySerializer},
        problems=(*openapi.CHANGE_PROBLEMS, "permission-denied"),
        request=None,
        examples={"decided": openapi.DELIVERY | openapi.with_state("waiting")},
    )
    def post(self, request: Request, id: UUID) -> Response:
        """A failed, held, cancelled or waiting delivery is tried now, with the same bytes and id."""
        return Response(
            DeliverySerializer(
                apply_delivery_action(
                    request, id, "delivery.retry", delivery_actions.retry_delivery
                )
            ).data
        )


class CancelView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": WRITE}

    @openapi.describe_operation(
        "deliveries_cancel",
        "Cancel a delivery",
        {200: DeliverySerializer},
        problems=(*openapi.CHANGE_PROBLEMS, "permission-denied"),
        request=None,
        examples={"decided": openapi.DELIVERY | openapi.with_state("cancelled")},
    )
    def post(self, request: Request, id: UUID) -> Response:
        """A waiting or held delivery is not sent."""
        return Response(
            DeliverySerializer(
                apply_delivery_action(
                    request, id, "delivery.cancel", delivery_actions.cancel_delivery
                )
            ).data
        )


class SkipView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": WRITE}

    @openapi.describe_operation(
        "deliveries_skip",
        "Skip a delivery",
        {200: DeliverySerializer},
        problems=(*openapi.CHANGE_PROBLEMS, "permission-denied"),
        request=None,
        examples={"decided": openapi.DELIVERY | openapi.with_state("skipped")},
    )
    def post(self, request: Request, id: UUID) -> Response:
        """A held or failed delivery is left aside for good; it can still be sent again."""
        return Response(
            DeliverySerializer(
                apply_delivery_action(request, id, "delivery.skip", delivery_actions.skip_delivery)
            ).data
        )


class SendAgainView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": WRITE}

    @openapi.describe_operation(
        "deliveries_send_again",
        "Send a delivery again",
        {201: DeliverySerializer},
        problems=(*openapi.CHANGE_PROBLEMS, "permission-denied"),
        request=None,
        examples={"decided": openapi.DELIVERY | openapi.with_state("waiting")},
    )
    def post(self, request: Request, id: UUID) -> Response:
        """A new delivery under the same outward id, by today's filter, field mapping and settings."""
        new_delivery = apply_delivery_action(
            request, id, "delivery.send_again", delivery_actions.send_delivery_again
        )
        return Response(
            DeliverySerializer(new_delivery).data,
            status=201,
            headers={"Location": object_url("delivery", new_delivery)},
        )
