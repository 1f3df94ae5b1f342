"""REST API: carry out an action on a connection now."""

from datetime import timedelta
from threading import Event
from typing import ClassVar
from uuid import UUID

from django.conf import settings
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from connectors.http import parse_decimal
from connectors.roles import Action
from hub.audit import ActorContext
from hub.connections.api.queries import find_visible_connection
from hub.connections.models import Connection
from hub.db.clock import clock
from hub.outgoing.api.deliveries import find_delivery
from hub.outgoing.models import FINAL_STATES, Delivery
from hub.outgoing.serializers import DeliverySerializer
from hub.outgoing.subscriptions.requested_actions import request_action
from hub.problems import Problem, StrictSerializer
from hub.rest import openapi
from hub.rest.fields import ObjectField, object_url
from hub.rest.idempotency import IdempotentAnswer, run_once
from hub.rest.validation import validate_data
from hub.shared_budget import BudgetExhausted, SharedBudget
from tenants.access.api_authentication import api_key_of, resolve_tenant
from tenants.models import Tenant
from tenants.scoping import changeable_rows

WRITE = "deliveries:write"
POLL_SECONDS = 0.05
WAITING_MAX, WAITING_MAX_OF_TENANT = 8, 2
# threads of a web process that wait for results
WAITING_THREADS = SharedBudget(WAITING_MAX, share=WAITING_MAX_OF_TENANT)
INPUT_EXAMPLE = {
    "id": "answer-7001",
    "data": {"channel": "C0123456789", "text": "It was sent today.", "thread_ts": "1764.0001"},
}


class RequestedActionSerializer(StrictSerializer):
    """An action that is carried out now."""

    id = serializers.CharField(
        max_length=200,
        required=False,
        default="",
        help_text="Your id of the request: the same request again returns the first delivery; "
        "another request with this id is refused.",
    )
    data = ObjectField(  # type: ignore[assignment]  # a serializer has its own `data`
        help_text="The inputs of the action, as `GET /connectors` lists them."
    )
    tenant = serializers.CharField(
        required=False,
        help_text="For a connection of the platform: the tenant for which it is done.",
    )


class RequestedActionView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": WRITE}
    parse_float = staticmethod(parse_decimal)

    @openapi.describe_operation(
        "connections_act",
        "Carry out an action now",
        {200: DeliverySerializer, 202: DeliverySerializer},
        problems=(*openapi.CHANGE_PROBLEMS, "permission-denied", "event-conflict"),
        request=RequestedActionSerializer,
        requests=[openapi.request_example("an answer in a thread", INPUT_EXAMPLE)],
    )
    def post(self, request: Request, id: UUID, action: str) -> Response:
        """Carry out one action of the connection's system with this input, without a route.

        Waits up to 10 seconds for the result: 200 with the delivery if it is finished, otherwise
        202; the delivery continues and can be read later. Beyond two results of a tenant at a time
        it does not wait. An `Idempotency-Key` makes a repetition safe.
        """
        now = clock()
        connection = _find_changeable_connection(request, id)
        known_action = _find_action(connection, action)
        data = validate_data(RequestedActionSerializer, request.data)
        tenant = _find_tenant(request, connection, data.get("tenant", ""))

        def perform() -> IdempotentAnswer:
            delivery = request_action(
                connection,
                known_action,
                data["data"],
                ActorContext.of_request(request),
                tenant=tenant,
                id=data["id"],
                now=now,
            )
            url = object_url("delivery", delivery)
            return IdempotentAnswer({"id": str(delivery.public_id)}, location=url)

        stored = run_once(request, perform, now=now)
        delivery_id = UUID(stored.data["id"])
        is_finished = wait_for_delivery(delivery_id, tenant)
        return Response(
            DeliverySerializer(find_delivery(request, delivery_id)).data,
            status=200 if is_finished else 202,
            headers={"Location": stored.headers["Location"]} if "Location" in stored else {},
        )


def wait_for_delivery(id: UUID, tenant: Tenant) -> bool:
    """Wait until a delivery is finished or held; return whether it is.

    Returns at once if as many requests as may wait already do, in total or of this tenant.
    """
    deadline = clock() + timedelta(seconds=settings.HUB_ACTION_WAIT_SECONDS)
    try:
        with WAITING_THREADS.acquire_for_block(1, tenant.pk):
            while not _has_result(id):
                if clock() >= deadline:
                    return False
                Event().wait(POLL_SECONDS)
            return True
    except BudgetExhausted:
        return _has_result(id)


def _has_result(id: UUID) -> bool:
    return Delivery.unscoped.filter(public_id=id, state__in=(*FINAL_STATES, "held")).exists()


def _find_changeable_connection(request: Request, id: UUID) -> Connection:
    connection = find_visible_connection(request, id)
    if not changeable_rows(Connection, request.user).filter(pk=connection.pk).exists():
        raise Problem("permission-denied")
    return connection


def _find_action(connection: Connection, key: str) -> Action:
    try:
        return connection.connector.action(key)
    except LookupError:
        raise Problem("not-found", f"This system has no action {key!r}.") from None


def _find_tenant(request: Request, connection: Connection, reference: str) -> Tenant:
    """Return the connection's tenant; of a platform connection, the tenant in the request."""
    if connection.tenant:
        return connection.tenant
    key_tenant = api_key_of(request).tenant
    if key_tenant is None and not reference:
        raise Problem("tenant-required")
    return key_tenant or resolve_tenant(request, reference)
