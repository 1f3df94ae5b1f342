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
from hub.clock import clock
from hub.limits.spending import spend_exactly
from hub.outgoing import replay
from hub.outgoing.api import described as says
from hub.outgoing.explain import explain, for_reason, in_state, readable_deliveries, shown
from hub.outgoing.models import Attempt, Delivery, Exchange
from hub.outgoing.search import floor_of
from hub.outgoing.serializers import DeliverySerializer, ExplanationSerializer, ReadDeliverySerializer
from hub.problems import Problem
from hub.rest.fields import MomentField, address
from hub.rest.pages import PageQuery, asked, page
from hub.states import WrongState
from tenants.authentication import resolve_tenant
from tenants.scoping import changeable_by, reach, readable

READ, WRITE = "deliveries:read", "deliveries:write"
RESERVED = (
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
    since = MomentField(required=False, help_text="Accepted then or later.")
    until = MomentField(required=False, help_text="Accepted before.")


FILTERS: dict[str, Callable[[Any], Q]] = {
    "state": in_state,
    "reason": for_reason,
    "event": lambda id: Q(event__public_id=id),
    "route": lambda id: Q(route__public_id=id),
    "connection": lambda id: Q(connection__public_id=id),
    "type": lambda type: Q(event__type=type),
    "since": lambda moment: Q(public_id__gte=floor_of(moment)),  # ids are in order of time, and indexed
    "until": lambda moment: Q(public_id__lt=floor_of(moment)),
}


def visible(request: Request) -> QuerySet[Delivery]:
    return readable_deliveries().filter(readable(Delivery, reach(request.user)))


def find(request: Request, id: UUID) -> Delivery:
    delivery = visible(request).filter(public_id=id).first()
    if delivery is None:
        raise Http404
    return delivery


class DeliveriesView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ}

    @says.described(
        "deliveries_list",
        "List deliveries",
        {200: says.page_of(DeliverySerializer, "DeliveryPage")},
        problems=says.READING,
        parameters=[DeliveriesQuery],
        examples={"a page": says.listed(says.DELIVERY)},
    )
    def get(self, request: Request) -> Response:
        """The newest first."""
        query = asked(request, DeliveriesQuery, now=clock())
        rows = visible(request)
        if "tenant" in query:
            rows = rows.filter(tenant=resolve_tenant(request, query["tenant"]))
        for name in FILTERS.keys() & query.keys():
            rows = rows.filter(FILTERS[name](query[name]))
        return page(request, rows, query, DeliverySerializer)


class DeliveryView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ}

    @says.described(
        "deliveries_read",
        "Read a delivery",
        {200: ReadDeliverySerializer},
        problems=["not-found"],
        examples={"read": says.DELIVERY | {"attempts": [says.ATTEMPT | {"exchange": says.EXCHANGE}]}},
    )
    def get(self, request: Request, id: UUID) -> Response:
        """A delivery with each attempt, and the call that carried it."""
        delivery = find(request, id)
        delivery._prefetched_objects_cache = {"attempts": carried(delivery)}
        return Response(ReadDeliverySerializer(delivery).data)


def carried(delivery: Delivery) -> list[Attempt]:
    """Its attempts, each with the call that carried it; the address of the platform's own connection is its own."""
    attempts = list(Attempt.unscoped.filter(delivery=delivery))
    calls = Exchange.objects.defer("request_body", "response_body").in_bulk(
        [attempt.exchange for attempt in attempts if attempt.exchange]
    )
    for attempt in attempts:
        attempt.carried_by = calls.get(attempt.exchange)
        if attempt.carried_by and delivery.connection.tenant_id is None:
            attempt.carried_by.url = None
    return attempts


class ExplainView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ}

    @says.described(
        "deliveries_explain",
        "Explain a delivery",
        {200: ExplanationSerializer},
        problems=["not-found"],
        examples={"explained": says.EXPLANATION},
    )
    def get(self, request: Request, id: UUID) -> Response:
        """Why it was not delivered: the stations of its way, and the one thing to do."""
        return Response(ExplanationSerializer(explain(find(request, id), now=clock())).data)


# --- deciding --------------------------------------------------------------------------------------------------------


def find_changeable(request: Request, id: UUID) -> Delivery:
    delivery = find(request, id)
    if not changeable_by(Delivery, request.user).filter(pk=delivery.pk).exists():
        raise Problem("permission-denied", RESERVED)
    return delivery


def decide(request: Request, id: UUID, verb: str, act: Callable[..., Delivery | None]) -> Delivery:
    """Do it and tell the audit, or neither; `act` gives the new delivery where it makes one."""
    now = clock()
    try:
        with transaction.atomic():
            delivery = find_changeable(request, id)
            before = shown(delivery)
            if verb.removeprefix("delivery.") in replay.LIMITED and request.user.tenant:
                spend_exactly(request.user.tenant, "replays", now=now)
            decided = act(delivery, now=now) or delivery
            tell(request, verb, delivery, {"state": before.state, "reason": before.reason}, decided, now=now)
    except WrongState as error:
        words = f"{before.sentence} {before.action}".strip()
        raise Problem("wrong-state", f"The delivery is {before.state}. {words}") from error
    return find(request, decided.public_id)


def tell(
    request: Request, verb: str, delivery: Delivery, before: dict[str, Any], decided: Delivery, *, now: datetime
) -> None:
    audit.record(
        actor=request.user.actor,
        verb=verb,
        obj=delivery,
        tenant=delivery.tenant,
        before=before,
        after={"state": decided.state, "reason": decided.reason, "delivery": str(decided.public_id)},
        request_id=request.request_id,
        ip=request.META.get("REMOTE_ADDR", ""),
        now=now,
    )


class RetryView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": WRITE}

    @says.described(
        "deliveries_retry",
        "Retry a delivery",
        {200: DeliverySerializer},
        problems=(*says.DECIDING, "permission-denied"),
        request=None,
        examples={"decided": says.DELIVERY | says.in_state("waiting")},
    )
    def post(self, request: Request, id: UUID) -> Response:
        """A failed, held, cancelled or waiting delivery is tried now, with the same bytes and id."""
        return Response(DeliverySerializer(decide(request, id, "delivery.retry", replay.retry)).data)


class CancelView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": WRITE}

    @says.described(
        "deliveries_cancel",
        "Cancel a delivery",
        {200: DeliverySerializer},
        problems=(*says.DECIDING, "permission-denied"),
        request=None,
        examples={"decided": says.DELIVERY | says.in_state("cancelled")},
    )
    def post(self, request: Request, id: UUID) -> Response:
        """A waiting or held delivery is not sent."""
        return Response(DeliverySerializer(decide(request, id, "delivery.cancel", replay.cancel)).data)


class SkipView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": WRITE}

    @says.described(
        "deliveries_skip",
        "Skip a delivery",
        {200: DeliverySerializer},
        problems=(*says.DECIDING, "permission-denied"),
        request=None,
        examples={"decided": says.DELIVERY | says.in_state("skipped")},
    )
    def post(self, request: Request, id: UUID) -> Response:
        """A held or failed delivery is left aside for good; it can still be sent again."""
        return Response(DeliverySerializer(decide(request, id, "delivery.skip", replay.skip)).data)


class SendAgainView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": WRITE}

    @says.described(
        "deliveries_send_again",
        "Send a delivery again",
        {201: DeliverySerializer},
        problems=(*says.DECIDING, "permission-denied"),
        request=None,
        examples={"decided": says.DELIVERY | says.in_state("waiting")},
    )
    def post(self, request: Request, id: UUID) -> Response:
        """A new delivery under the same outward id, by today's filter, field mapping and settings."""
        again = decide(request, id, "delivery.send_again", replay.send_again)
        return Response(DeliverySerializer(again).data, status=201, headers={"Location": address("delivery", again)})
