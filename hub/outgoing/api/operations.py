"""REST API of operations on many deliveries: plan, confirm, read the progress, cancel."""

from typing import ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from connectors.registry import CONNECTORS
from hub.audit import ActorContext
from hub.db.clock import clock
from hub.operations.models import Operation
from hub.operations.operation_actions import OPERATION_ACTIONS, WRITE_SCOPE
from hub.operations.serializers import (
    OperationSerializer,
    PlanFilterSerializer,
    resolve_plan_tenant,
    respond_with_plan,
)
from hub.outgoing.api.deliveries import READ
from hub.outgoing.models import EVENT_TYPE, Delivery
from hub.outgoing.operations import planning
from hub.problems import StrictSerializer
from hub.rest import openapi
from hub.rest.actions import ActionResource, build_action_urls
from hub.rest.fields import TextField, TimestampField
from hub.rest.validation import validate_data
from hub.rest.views import build_detail, build_list
from tenants.scoping import accessible_tenants, changeable_condition, readable_condition


class FilterSerializer(PlanFilterSerializer):
    """Filter of an operation: it selects the deliveries that match every given condition."""

    rows = "deliveries"

    state = serializers.ChoiceField(Delivery.State.choices, required=False)
    reason = TextField(max_length=40, required=False)
    connector = serializers.ChoiceField([(key, key) for key in CONNECTORS], required=False)
    connection = serializers.UUIDField(required=False)
    route = serializers.UUIDField(required=False)
    event_type = TextField(max_length=120, validators=[EVENT_TYPE], required=False)
    since = TimestampField(required=False, help_text="Accepted at or after this time.")
    until = TimestampField(required=False, help_text="Accepted before this time.")
    stopped_since = TimestampField(
        required=False, help_text="In its current state since this time or later."
    )
    deliveries = serializers.ListField(
        child=serializers.UUIDField(),
        min_length=1,
        max_length=planning.SELECTED_LIMIT,
        required=False,
        help_text="IDs of deliveries.",
    )


class PlanSerializer(StrictSerializer):
    kind = serializers.ChoiceField(list(planning.OPERATION_KINDS.items()))
    filter = FilterSerializer()
    reason = serializers.CharField(max_length=300, help_text="Reason; kept in the audit log.")
    tenant = TextField(
        max_length=100,
        required=False,
        help_text="The tenant's reference. Omitted with a platform key: all tenants.",
    )


def visible_operations(request: Request) -> QuerySet[Operation]:
    allowed = readable_condition if request.method == "GET" else changeable_condition
    return Operation.unscoped.select_related("tenant").filter(
        allowed(Operation, accessible_tenants(request.user))
    )


def _find_operation(request: Request, id: UUID) -> Operation:
    return get_object_or_404(visible_operations(request), public_id=id)


class OperationsView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ, "POST": WRITE_SCOPE}

    get = build_list(
        "operations_list",
        "List operations",
        "List operations, newest first.",
        OperationSerializer,
        page="OperationPage",
        rows=lambda request, query: visible_operations(request),
        problems=("validation-failed",),
    )

    @openapi.describe_operation(
        "operations_plan",
        "Plan an operation",
        {201: OperationSerializer},
        problems=openapi.READ_PROBLEMS,
        request=PlanSerializer,
        requests=[
            openapi.request_example(
                "all deliveries that failed since noon",
                {
                    "kind": "retry",
                    "filter": {
                        "state": "failed",
                        "connector": "slack",
                        "stopped_since": openapi.EXAMPLE_TIME,
                    },
                    "tenant": "acme",
                    "reason": "Slack is back.",
                },
            )
        ],
    )
    def post(self, request: Request) -> Response:
        """Plan an operation and estimate its effect. Nothing is changed before the plan is
        confirmed, within 15 minutes.
        """
        now = clock()
        data = validate_data(PlanSerializer, request.data, now=now)
        operation = planning.plan_operation(
            data["kind"],
            data["filter"],
            tenant=resolve_plan_tenant(request, data.get("tenant")),
            reason=data["reason"],
            actor=ActorContext.of_request(request),
            now=now,
        )
        return respond_with_plan(operation)


class OperationView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ}

    get = build_detail(
        "operations_read",
        "Read an operation",
        "Return the plan and the progress of an operation.",
        OperationSerializer,
        _find_operation,
    )


OPERATION_ACTION_URLS = build_action_urls(
    ActionResource(
        rows="operations",
        row="operation",
        find=_find_operation,
        find_changeable=_find_operation,
        serializer=OperationSerializer,
        serialize=lambda request, operation: OperationSerializer(operation).data,
        problems=(*openapi.CHANGE_PROBLEMS, "too-many-rows"),
    ),
    OPERATION_ACTIONS,
)
