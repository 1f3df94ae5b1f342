"""Tell events, and read what became of them."""

from typing import ClassVar
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hub.clock import clock
from hub.limits.requests import count_request
from hub.outgoing.api import described as says
from hub.outgoing.api.intake import SOURCE, accept, accept_one
from hub.outgoing.explain import explain_event, in_state, readable_deliveries
from hub.outgoing.models import Delivery, Event
from hub.outgoing.serializers import (
    SENDER_ID,
    AcceptedBatchSerializer,
    AcceptedSerializer,
    CheckSerializer,
    EventRowSerializer,
    EventSerializer,
    ReadEventSerializer,
)
from hub.rest.once import key_of, once
from hub.rest.pages import PageQuery, asked, page
from tenants.authentication import resolve_tenant
from tenants.scoping import visible_to

NO_ROUTE = "no_route"
FINDING = ("not-found", "tenant-not-found")
INTAKE = (
    "invalid-json",
    "validation-failed",
    "tenant-required",
    "tenant-not-found",
    "payload-too-large",
    "unsupported-media-type",
    "event-conflict",
    "idempotency-key-reused",
)
OF_TENANT = OpenApiParameter("tenant", str, description="For a platform key, when the id is the sender's.")


class EventsQuery(PageQuery):
    tenant = serializers.CharField(required=False)
    type = serializers.CharField(max_length=120, required=False)
    state = serializers.ChoiceField(
        [*Delivery.State.choices, NO_ROUTE], required=False, help_text="Events with a delivery in this state."
    )


def of_state(state: str) -> Q:
    if state == NO_ROUTE:
        return Q(reason=NO_ROUTE)
    return Q(Exists(Delivery.unscoped.filter(in_state(state), event=OuterRef("pk"))))


class EventsView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": "events:write", "GET": "events:read"}

    takes_events = True

    @property
    def max_bytes(self) -> int:
        return settings.DATA_UPLOAD_MAX_MEMORY_SIZE

    @says.described(
        "events_list",
        "List events",
        {200: says.page_of(EventRowSerializer, "EventPage")},
        problems=says.READING,
        parameters=[EventsQuery],
        examples={"a page": says.listed(says.EVENT)},
    )
    def get(self, request: Request) -> Response:
        """The newest first."""
        query = asked(request, EventsQuery)
        rows = visible_to(Event, request.user).select_related("tenant")
        if "tenant" in query:
            rows = rows.filter(tenant=resolve_tenant(request, query["tenant"]))
        if "type" in query:
            rows = rows.filter(type=query["type"])
        if "state" in query:
            rows = rows.filter(of_state(query["state"]))
        return page(request, rows, query, EventRowSerializer)

    @says.described(
        "events_accept",
        "Send events",
        {202: says.either("AcceptedEvents", AcceptedSerializer, AcceptedBatchSerializer)},
        problems=INTAKE,
        request=says.either("Events", EventSerializer, EventSerializer(many=True)),
        parameters=[
            says.header("Idempotency-Key", "The same key with the same body gets the first answer, for 24 hours."),
            says.header("Idempotency-Replayed", "true: this is that first answer again.", response=[202]),
            says.header("Location", "Where to read what became of the one event.", response=[202]),
        ],
        examples={"accepted": says.ACCEPTED, "a batch": {"events": [says.ACCEPTED]}},
        requests=[says.asking("one event", says.TOLD), says.asking("a batch", [says.TOLD | {"tenant": "acme"}])],
    )
    def post(self, request: Request) -> Response:
        """One event, or an array of up to 1,000, all or none. They are stored for good when this answers.

        The same id with the same body again is the same event, and gets the first answer.
        """
        now = clock()
        if isinstance(request.data, list) and 1 < len(request.data) <= settings.HUB_BATCH_EVENTS:
            count_request(request, {"events": len(request.data) - 1})  # the first was counted with the request
        if key_of(request) is None and isinstance(request.data, dict):
            return accept_one(request, now=now).response()
        return once(request, lambda: accept(request, now=now), now=now)


class ExplainEventView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": "events:read"}

    @says.described(
        "events_explain",
        "Explain an event",
        {200: inline_serializer("EventExplanation", {"checks": CheckSerializer(many=True)})},
        problems=FINDING,
        parameters=[OF_TENANT],
        examples={"explained": {"checks": says.CHECKS[:1]}},
    )
    def get(self, request: Request, id: str) -> Response:
        """Which routes took the event; where none did, those that almost did, and why not."""
        return Response({"checks": CheckSerializer(explain_event(find(request, id)), many=True).data})


class EventView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": "events:read"}

    @says.described(
        "events_read",
        "Read an event",
        {200: ReadEventSerializer},
        problems=FINDING,
        parameters=[OF_TENANT],
        examples={"read": says.EVENT | {"deliveries": [says.DELIVERY | {"attempts": [says.ATTEMPT]}]}},
    )
    def get(self, request: Request, id: str) -> Response:
        """What became of an event, by the hub's id, or by the id that was sent."""
        event = find(request, id)
        return Response(ReadEventSerializer(event).data)


def find(request: Request, id: str) -> Event:
    """By the hub's id; else by the id that was sent, which is one tenant's: a platform key says `?tenant=`."""
    deliveries = Prefetch("deliveries", readable_deliveries().prefetch_related("attempts").order_by("pk"))
    rows = visible_to(Event, request.user).select_related("tenant").prefetch_related(deliveries)
    event = by_public_id(rows, id) or by_sender_id(rows, request, id)
    if event is None:
        raise Http404
    return event


def by_public_id(rows: QuerySet[Event], id: str) -> Event | None:
    try:
        return rows.filter(public_id=UUID(id)).first()
    except ValueError:
        return None


def by_sender_id(rows: QuerySet[Event], request: Request, id: str) -> Event | None:
    reference = request.query_params.get("tenant")
    if not SENDER_ID.regex.match(id) or (not reference and request.user.tenant is None):
        return None
    tenant = resolve_tenant(request, reference)
    return rows.filter(tenant=tenant, source=SOURCE, sender_id=id).first()
