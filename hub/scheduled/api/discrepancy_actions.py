"""REST API: repair discrepancies and ignore them."""

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hub.audit import ActorContext
from hub.db.clock import clock
from hub.operations.serializers import (
    OperationSerializer,
    resolve_plan_tenant,
    respond_with_plan,
)
from hub.rest import openapi
from hub.rest.actions import ActionBody, ActionResource, build_action_urls
from hub.rest.validation import validate_data
from hub.scheduled.api.discrepancies import find_discrepancy
from hub.scheduled.api.discrepancy_serializers import (
    DiscrepancySerializer,
    IgnoreSerializer,
    RepairPlanSerializer,
    RepairSerializer,
)
from hub.scheduled.repairs.discrepancy_actions import (
    DISCREPANCY_ACTIONS,
    WRITE_SCOPE,
    plan_repairs,
)

DISCREPANCY_ACTION_URLS = build_action_urls(
    ActionResource(
        rows="discrepancies",
        row="discrepancy",
        find=find_discrepancy,
        find_changeable=find_discrepancy,
        serializer=DiscrepancySerializer,
        serialize=lambda request, discrepancy: DiscrepancySerializer(discrepancy).data,
        bodies={
            "repair": ActionBody(
                RepairSerializer,
                [openapi.request_example("our value is right", {"side": "remote"})],
            ),
            "ignore": ActionBody(
                IgnoreSerializer,
                [openapi.request_example("a test order", {"reason": "A test order."})],
            ),
        },
    ),
    DISCREPANCY_ACTIONS,
)


REPAIR_PLAN = {
    "filter": {"job": openapi.EXAMPLE_ID, "verdict": "differs", "field": "status"},
    "tenant": "acme",
    "reason": "Our application is right.",
}


class RepairsView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": WRITE_SCOPE}

    @openapi.describe_operation(
        "discrepancies_plan_repairs",
        "Plan the repair of discrepancies",
        {201: OperationSerializer},
        problems=openapi.READ_PROBLEMS,
        request=RepairPlanSerializer,
        requests=[openapi.request_example("a field of a job", REPAIR_PLAN)],
    )
    def post(self, request: Request) -> Response:
        """Plan an operation that repairs all discrepancies that match, each as the field's owner
        says. Nothing is changed before the plan is confirmed, within 15 minutes. A run whose
        repairs the safety valve stopped is confirmed like this, by `{"run": "…"}`.
        """
        data = validate_data(RepairPlanSerializer, request.data)
        operation = plan_repairs(
            data["filter"],
            ActorContext.of_request(request),
            tenant=resolve_plan_tenant(request, data.get("tenant")),
            reason=data["reason"],
            now=clock(),
        )
        return respond_with_plan(operation)
