"""REST API: plan the replay of all items that match a filter, as an operation."""

from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from connectors.registry import CONNECTORS
from hub.audit import ActorContext
from hub.db.clock import clock
from hub.incoming.api import openapi_examples
from hub.incoming.api.inbound import WRITE
from hub.incoming.models import InboundItem
from hub.incoming.processing.replay import plan_replay
from hub.outgoing.api.key_user import get_key_user
from hub.outgoing.api.operation_serializers import OperationSerializer
from hub.outgoing.models import EVENT_TYPE
from hub.outgoing.operations.filters import serialize_filter
from hub.problems import StrictSerializer
from hub.rest import openapi
from hub.rest.fields import TextField, TimestampField, object_url
from hub.rest.validation import validate_data
from tenants.access.api_authentication import resolve_tenant

SELECTED_LIMIT = 1000  # items that are named one by one


class ReplayFilterSerializer(StrictSerializer):
    """Filter of a replay: it selects the items that match every given condition."""

    state = serializers.ChoiceField(InboundItem.State.choices, required=False)
    reason = TextField(max_length=40, required=False)
    connector = serializers.ChoiceField([(key, key) for key in CONNECTORS], required=False)
    connection = serializers.UUIDField(required=False)
    message = serializers.UUIDField(required=False, help_text="ID of the request they arrived in.")
    type = TextField(max_length=120, validators=[EVENT_TYPE], required=False)
    since = TimestampField(required=False, help_text="Received at or after this time.")
    until = TimestampField(required=False, help_text="Received before this time.")
    items = serializers.ListField(
        child=serializers.UUIDField(),
        min_length=1,
        max_length=SELECTED_LIMIT,
        required=False,
        help_text="IDs of items.",
    )

    def validate(self, data: Mapping[str, Any]) -> dict[str, Any]:
        if not data:
            raise serializers.ValidationError(
                "Set a filter. An empty filter would select all items."
            )
        return serialize_filter(data)


class ReplayPlanSerializer(StrictSerializer):
    filter = ReplayFilterSerializer()
    reason = serializers.CharField(max_length=300, help_text="Reason; kept in the audit log.")
    tenant = TextField(
        max_length=100,
        required=False,
        help_text="The tenant's reference. Omitted with a platform key: all tenants.",
    )


class ReplaysView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": WRITE}

    @openapi.describe_operation(
        "inbound_plan_replay",
        "Plan the replay of incoming items",
        {201: OperationSerializer},
        problems=openapi.READ_PROBLEMS,
        request=ReplayPlanSerializer,
        requests=[openapi.request_example("all quarantined items", openapi_examples.REPLAY_PLAN)],
        examples={"planned": openapi_examples.REPLAY},
    )
    def post(self, request: Request) -> Response:
        """Plan an operation that replays all items that match. Nothing is changed before the plan
        is confirmed, within 15 minutes.
        """
        now = clock()
        data = validate_data(ReplayPlanSerializer, request.data, now=now)
        reference = data.get("tenant")
        is_for_all = reference is None and get_key_user(request).tenant is None
        operation = plan_replay(
            data["filter"],
            ActorContext.of_request(request),
            tenant=None if is_for_all else resolve_tenant(request, reference),
            reason=data["reason"],
            now=now,
        )
        headers = {"Location": object_url("operation", operation)}
        return Response(OperationSerializer(operation).data, status=201, headers=headers)
