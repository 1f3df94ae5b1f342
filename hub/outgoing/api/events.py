"""Tell events, and read what became of them."""

from typing import ClassVar
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.http import Http404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hub.clock import clock
from hub.outgoing.api.intake import SOURCE, accept
from hub.outgoing.api.once import once
from hub.outgoing.api.pages import PageQuery, asked, page
from hub.outgoing.explain import explain_event, in_state, readable_deliveries
from hub.outgoing.models import Delivery, Event
from hub.outgoing.serializers import CheckSerializer, EventRowSerializer, ReadEventSerializer
from tenants.authentication import resolve_tenant
from tenants.scoping import visible_to

NO_ROUTE = "no_route"


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

    @property
    def max_bytes(self) -> int:
        return settings.DATA_UPLOAD_MAX_MEMORY_SIZE

    def get(self, request: Request) -> Response:
        query = asked(request, EventsQuery)
        rows = visible_to(Event, request.user).select_related("tenant")
        if "tenant" in query:
            rows = rows.filter(tenant=resolve_tenant(request, query["tenant"]))
        if "type" in query:
            rows = rows.filter(type=query["type"])
        if "state" in query:
            rows = rows.filter(of_state(query["state"]))
        return page(request, rows, query, EventRowSerializer)

    def post(self, request: Request) -> Response:
        now = clock()
        return once(request, lambda: accept(request, now=now), now=now)


class ExplainEventView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": "events:read"}

    def get(self, request: Request, id: str) -> Response:
        return Response({"checks": CheckSerializer(explain_event(find(request, id)), many=True).data})


class EventView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": "events:read"}

    def get(self, request: Request, id: str) -> Response:
        event = find(request, id)
        return Response(ReadEventSerializer(event).data)


def find(request: Request, id: str) -> Event:
    """By the hub's id; else by the id that was sent, which is one tenant's: a platform key says `?tenant=`."""
    deliveries = Prefetch("deliveries", readable_deliveries().prefetch_related("tries").order_by("pk"))
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
    if not reference and request.user.tenant is None:
        return None
    tenant = resolve_tenant(request, reference)
    return rows.filter(tenant=tenant, source=SOURCE, sender_id=id).first()
