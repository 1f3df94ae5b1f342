"""REST API: plan the replay of all items that match a filter, as an operation."""

from typing import ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from connectors.registry import CONNECTORS
from hub.audit import ActorContext
from hub.db.clock import clock
from hub.incoming.api.inbound import WRITE
from hub.incoming.models import InboundItem
from hub.incoming.processing.replay import plan_replay
from hub.operations.serializers import (
    OperationSerializer,
    PlanFilterSerializer,
    resolve_plan_tenant,
    respond_with_plan,
)
from hub.outgoing.models import EVENT_TYPE
from hub.problems import StrictSerializer
from hub.rest import openapi
from hub.rest.fields import TextField, TimestampField
from hub.rest.validation import validate_data

SELECTED_LIMIT = 1000  # items that are named one by one
REPLAY_PLAN = {
    "filter": {"state": "quarantined", "connector": "pipedrive"},
    "tenant": "acme",
    "reason": "The right account is connected now.",
}


class ReplayFilterSerializer(PlanFilterSerializer):
    """Filter of a replay: it selects the items that match every given condition."""

    rows = "items"

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
        requests=[openapi.request_example("all quarantined items", REPLAY_PLAN)],
    )
    def post(self, request: Request) -> Response:
        """Plan an operation that replays all items that match. Nothing is changed before the plan
        is confirmed, within 15 minutes.
        """
        now = clock()
        data = validate_data(ReplayPlanSerializer, request.data, now=now)
        operation = plan_replay(
            data["filter"],
            ActorContext.of_request(request),
            tenant=resolve_plan_tenant(request, data.get("tenant")),
            reason=data["reason"],
            now=now,
        )
        return respond_with_plan(operation)
