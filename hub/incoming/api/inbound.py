"""REST API: list and read received webhooks."""

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Q
from django.http import Http404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hub.db.clock import clock
from hub.db.ids import smallest_id_at
from hub.incoming.insight.rows import (
    REJECTED,
    InboundRow,
    build_row,
    readable_items,
    rejected_messages,
)
from hub.incoming.models import InboundItem, InboundMessage
from hub.incoming.processing.replay import ITEM_ACTIONS
from hub.incoming.serializers.items import (
    INBOUND_STATES,
    InboundItemDetailSerializer,
    InboundItemSerializer,
)
from hub.problems import Problem
from hub.rest import openapi
from hub.rest.actions import ActionResource, build_action_urls
from hub.rest.fields import TimestampField
from hub.rest.pagination import PageQuery, paginate_merged_response, parse_query
from hub.rest.views import build_detail
from tenants.access.api_authentication import resolve_tenant
from tenants.scoping import accessible_tenants, readable_condition

READ, WRITE = "inbound:read", "inbound:write"


class InboundQuery(PageQuery):
    tenant = serializers.CharField(required=False)
    state = serializers.ChoiceField(INBOUND_STATES, required=False)
    reason = serializers.CharField(
        max_length=40, required=False, help_text="Of an item, or the cause of a rejection."
    )
    connector = serializers.CharField(max_length=40, required=False)
    connection = serializers.UUIDField(required=False)
    type = serializers.CharField(max_length=120, required=False)
    event = serializers.UUIDField(required=False, help_text="ID of the event that it became.")
    message = serializers.UUIDField(required=False, help_text="ID of the request it arrived in.")
    since = TimestampField(required=False, help_text="Received at or after this time.")
    until = TimestampField(required=False, help_text="Received before this time.")


ITEM_FILTERS: dict[str, Callable[[Any], Q]] = {
    "state": lambda state: Q(state=state),
    "reason": lambda reason: Q(reason=reason),
    "connector": lambda key: Q(connector_key=key),
    "connection": lambda id: Q(connection__public_id=id),
    "type": lambda type: Q(type=type),
    "event": lambda id: Q(event__public_id=id),
    "message": lambda id: Q(message__public_id=id),
    "since": lambda moment: Q(public_id__gte=smallest_id_at(moment)),
    "until": lambda moment: Q(public_id__lt=smallest_id_at(moment)),
}
NO_ROWS = Q(pk__in=())
MESSAGE_FILTERS: dict[str, Callable[[Any], Q]] = {
    "state": lambda state: Q() if state == REJECTED else NO_ROWS,
    "reason": lambda cause: Q(cause=cause),
    "connector": lambda key: Q(connector_key=key),
    "connection": lambda id: Q(connection__public_id=id),
    "type": lambda type: NO_ROWS,  # a rejected request is not read
    "event": lambda id: NO_ROWS,
    "message": lambda id: Q(public_id=id),
    "since": lambda moment: Q(public_id__gte=smallest_id_at(moment)),
    "until": lambda moment: Q(public_id__lt=smallest_id_at(moment)),
}


def find_inbound_row(request: Request, id: UUID) -> InboundRow:
    """Return an item or a rejected request that the key may see. Raises Http404."""
    tenants = accessible_tenants(request.user)
    items = readable_items().filter(readable_condition(InboundItem, tenants), public_id=id)
    messages = rejected_messages().filter(readable_condition(InboundMessage, tenants), public_id=id)
    instance = items.first() or messages.first()
    if instance is None:
        raise Http404
    return build_row(instance)


class InboundView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ}

    @openapi.describe_operation(
        "inbound_list",
        "List incoming items",
        {200: openapi.page_schema(InboundItemSerializer, "InboundPage")},
        problems=openapi.READ_PROBLEMS,
        parameters=[InboundQuery],
    )
    def get(self, request: Request) -> Response:
        """List what arrived by webhooks, newest first: items, and requests that were rejected.

        A tenant's key sees the rejected requests of its own URLs.
        """
        query = parse_query(request, InboundQuery, now=clock())
        tenants = accessible_tenants(request.user)
        items = readable_items().filter(readable_condition(InboundItem, tenants))
        messages = rejected_messages().filter(readable_condition(InboundMessage, tenants))
        if "tenant" in query:
            tenant = resolve_tenant(request, query["tenant"])
            items, messages = items.filter(tenant=tenant), messages.filter(tenant=tenant)
        for name in ITEM_FILTERS.keys() & query.keys():
            items = items.filter(ITEM_FILTERS[name](query[name]))
            messages = messages.filter(MESSAGE_FILTERS[name](query[name]))
        return paginate_merged_response(
            request, (items, messages), query, InboundItemSerializer, build_row
        )


class InboundItemView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ}

    get = build_detail(
        "inbound_read",
        "Read an incoming item",
        "Return an item with the request in which it arrived, and the event that it became.",
        InboundItemDetailSerializer,
        find_inbound_row,
    )


def _find_replayable_item(request: Request, id: UUID) -> InboundItem:
    row = find_inbound_row(request, id)
    if row.item is None:
        raise Problem("wrong-state", "The request was rejected, and its content is not stored.")
    return row.item


ITEM_ACTION_URLS = build_action_urls(
    ActionResource(
        rows="inbound",
        row="inbound_item",
        find=find_inbound_row,
        find_changeable=_find_replayable_item,
        serializer=InboundItemDetailSerializer,
        serialize=lambda request, row: InboundItemDetailSerializer(row).data,
    ),
    ITEM_ACTIONS,
)
