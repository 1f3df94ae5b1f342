"""REST API: send a test event to one webhook endpoint."""

from typing import ClassVar
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hub.audit import ActorContext
from hub.connections.api.queries import find_visible_connection
from hub.db.clock import clock
from hub.outgoing.api import openapi_examples as openapi
from hub.outgoing.api.deliveries import find_delivery
from hub.outgoing.serializers import DeliverySerializer
from hub.outgoing.subscriptions.endpoint_routes import is_own_endpoint, send_test_event
from hub.problems import Problem
from hub.rest.fields import object_url


class TestEventView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": "connections:write"}

    @openapi.describe_operation(
        "connections_test_event",
        "Send a test event to an endpoint",
        {201: DeliverySerializer},
        problems=openapi.CHANGE_PROBLEMS,
        request=None,
        examples={"sent": openapi.DELIVERY | openapi.with_state("waiting")},
    )
    def post(self, request: Request, id: UUID) -> Response:
        """Send a `hub.test` event to this webhook endpoint and no other; its delivery can be read
        later.
        """
        connection = find_visible_connection(request, id)
        if not is_own_endpoint(connection):
            raise Problem("wrong-state", "Test events are sent to webhook endpoints of a tenant.")
        delivery = send_test_event(connection, ActorContext.of_request(request), now=clock())
        return Response(
            DeliverySerializer(find_delivery(request, delivery.public_id)).data,
            status=201,
            headers={"Location": object_url("delivery", delivery)},
        )
