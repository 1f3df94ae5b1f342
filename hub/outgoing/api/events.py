"""REST API: publish events, and read their deliveries."""

from typing import ClassVar
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from connectors.http import parse_decimal
from hub.db.clock import clock
from hub.limits.request_limits import count_request
from hub.outgoing.api.intake import SOURCE, SentEvents, accept_batch, accept_one
from hub.outgoing.insight.explain import explain_event, match_effective_state, readable_deliveries
from hub.outgoing.models import Delivery, Event
from hub.outgoing.serializers import (
    SENDER_ID_VALIDATOR,
    AcceptedBatchSerializer,
    AcceptedSerializer,
    CheckSerializer,
    EventDetailSerializer,
    EventRowSerializer,
    EventSerializer,
)
from hub.rest import openapi
from hub.rest.idempotency import idempotency_key, run_once
from hub.rest.pagination import PageQuery
from hub.rest.views import build_detail, build_list
from tenants.access.api_authentication import (
    api_key_of,
    in_tenant,
    resolve_tenant,
)
from tenants.scoping import visible_rows

NO_ROUTE = "no_route"
EVENT_INPUT = {  # an example
    "id": "o-1001",
    "type": "order.created",
    "data": {"number": "A-1001", "total": 12.5, "currency": "EUR"},
}
FIND_PROBLEMS = ("not-found", "tenant-not-found")
INTAKE_PROBLEMS = (
    "invalid-json",
    "validation-failed",
    "tenant-required",
    "tenant-not-found",
    "payload-too-large",
    "unsupported-media-type",
    "event-conflict",
    "idempotency-key-reused",
)
TENANT_PARAMETER = OpenApiParameter(
    "tenant", str, description="Required with a platform key if the ID is the sender's."
)


class EventsQuery(PageQuery):
    tenant = serializers.CharField(required=False)
    type = serializers.CharField(max_length=120, required=False)
    state = serializers.ChoiceField(
        [*Delivery.State.choices, NO_ROUTE],
        required=False,
        help_text="Events with a delivery in this state.",
    )


def _match_event_state(state: str) -> Q:
    if state == NO_ROUTE:
        return Q(reason=NO_ROUTE)
    return Q(Exists(Delivery.unscoped.filter(match_effective_state(state), event=OuterRef("pk"))))


def _visible_events(request: Request) -> QuerySet[Event]:
    events: QuerySet[Event] = visible_rows(Event, request.user).select_related("tenant")
    return events


class EventsView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": "events:write", "GET": "events:read"}

    takes_events = True
    parse_float = staticmethod(parse_decimal)

    @property
    def max_bytes(self) -> int:
        return settings.DATA_UPLOAD_MAX_MEMORY_SIZE

    get = build_list(
        "events_list",
        "List events",
        "List events, newest first.",
        EventRowSerializer,
        page="EventPage",
        rows=in_tenant(_visible_events),
        query=EventsQuery,
        filters={"type": "type", "state": _match_event_state},
    )

    @openapi.describe_operation(
        "events_accept",
        "Send events",
        {202: openapi.one_of("AcceptedEvents", AcceptedSerializer, AcceptedBatchSerializer)},
        problems=INTAKE_PROBLEMS,
        request=openapi.one_of("Events", EventSerializer, EventSerializer(many=True)),
        parameters=[
            openapi.header_parameter(
                "Idempotency-Key",
                "Requests with the same key and the same body receive the first response, "
                "for 24 hours.",
            ),
            openapi.header_parameter(
                "Idempotency-Replayed",
                "true: this response is a repetition of the first one.",
                response=[202],
            ),
            openapi.header_parameter(
                "Location", "URL that explains the deliveries of the event.", response=[202]
            ),
        ],
        requests=[
            openapi.request_example("one event", EVENT_INPUT),
            openapi.request_example("a batch", [EVENT_INPUT | {"tenant": "acme"}]),
        ],
    )
    def post(self, request: Request) -> Response:
        """Publish one event, or an array of up to 1,000, all or none. The events are stored when
        the response is sent.

        The same id with the same body again is the same event, and gets the first response.
        """
        now, data = clock(), request.data
        sent = SentEvents(api_key_of(request).tenant, data, getattr(request, "raw_body", b""))
        if sent.is_batch and 1 < len(data) <= settings.HUB_BATCH_EVENTS:
            # the first was counted with the request
            count_request(request, {"events": len(data) - 1})
        if idempotency_key(request) is None and isinstance(data, dict):
            return accept_one(sent, now=now).response()
        return run_once(request, lambda: accept_batch(sent, now=now), now=now)


def _find_event(request: Request, id: str) -> Event:
    """Find an event by the hub's id, or by the sender's id within one tenant.

    A platform key names the tenant by `?tenant=`. Raises Http404 when there is no such event.
    """
    deliveries = Prefetch(
        "deliveries", readable_deliveries().prefetch_related("attempts").order_by("pk")
    )
    events = (
        visible_rows(Event, request.user)
        .select_related("tenant", "origin")
        .prefetch_related(deliveries)
    )
    event = _find_by_public_id(events, id) or _find_by_sender_id(events, request, id)
    if event is None:
        raise Http404
    return event


def _find_by_public_id(events: QuerySet[Event], id: str) -> Event | None:
    try:
        return events.filter(public_id=UUID(id)).first()
    except ValueError:
        return None


def _find_by_sender_id(events: QuerySet[Event], request: Request, id: str) -> Event | None:
    reference = request.query_params.get("tenant")
    try:
        SENDER_ID_VALIDATOR(id)
    except ValidationError:
        return None
    if not reference and api_key_of(request).tenant is None:
        return None
    tenant = resolve_tenant(request, reference)
    return events.filter(tenant=tenant, source=SOURCE, sender_id=id).first()


class ExplainEventView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": "events:read"}

    @openapi.describe_operation(
        "events_explain",
        "Explain an event",
        {200: inline_serializer("EventExplanation", {"checks": CheckSerializer(many=True)})},
        problems=FIND_PROBLEMS,
        parameters=[TENANT_PARAMETER],
    )
    def get(self, request: Request, id: str) -> Response:
        """Explain which routes matched the event; if none did, which almost did, and why not."""
        return Response(
            {"checks": CheckSerializer(explain_event(_find_event(request, id)), many=True).data}
        )


class EventView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": "events:read"}

    get = build_detail(
        "events_read",
        "Read an event",
        "Return an event with its deliveries, by the hub's id or by the sender's.",
        EventDetailSerializer,
        _find_event,
        problems=FIND_PROBLEMS,
        parameters=[TENANT_PARAMETER],
    )
