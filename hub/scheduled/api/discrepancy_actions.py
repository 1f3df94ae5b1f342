"""REST API: repair discrepancies and ignore them."""

from typing import ClassVar
from uuid import UUID

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
from hub.rest.validation import validate_data
from hub.scheduled.api.discrepancies import WRITE, find_discrepancy
from hub.scheduled.api.discrepancy_serializers import (
    DiscrepancySerializer,
    IgnoreSerializer,
    RepairPlanSerializer,
    RepairSerializer,
)
from hub.scheduled.repairs.discrepancy_actions import (
    ignore_discrepancy,
    plan_repairs,
    repair_discrepancy,
    stop_ignoring,
)


def _build_answer(request: Request, id: UUID, status: int = 200) -> Response:
    answer = DiscrepancySerializer(find_discrepancy(request, id)).data
    return Response(answer, status=status)


REPAIR_PLAN = {
    "filter": {"job": openapi.EXAMPLE_ID, "verdict": "differs", "field": "status"},
    "tenant": "acme",
    "reason": "Our application is right.",
}


class RepairView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": WRITE}

    @openapi.describe_operation(
        "discrepancies_repair",
        "Repair a discrepancy",
        {202: DiscrepancySerializer},
        problems=openapi.CHANGE_PROBLEMS,
        request=RepairSerializer,
        requests=[openapi.request_example("our value is right", {"side": "remote"})],
    )
    def post(self, request: Request, id: UUID) -> Response:
        """Send the repair as a delivery, which changes the value only if it is still the one that
        was compared. The replaced value is kept.
        """
        discrepancy = find_discrepancy(request, id)
        side = validate_data(RepairSerializer, request.data).get("side", "")
        actor = ActorContext.of_request(request)
        repair_discrepancy(discrepancy, actor, side=side, now=clock())
        return _build_answer(request, id, 202)


class IgnoreView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": WRITE}

    @openapi.describe_operation(
        "discrepancies_ignore",
        "Ignore a discrepancy",
        {200: DiscrepancySerializer},
        problems=openapi.CHANGE_PROBLEMS,
        request=IgnoreSerializer,
        requests=[openapi.request_example("a test order", {"reason": "A test order."})],
    )
    def post(self, request: Request, id: UUID) -> Response:
        """Ignore the difference until one of both values changes."""
        discrepancy = find_discrepancy(request, id)
        reason = validate_data(IgnoreSerializer, request.data)["reason"]
        actor = ActorContext.of_request(request)
        ignore_discrepancy(discrepancy, reason, actor, now=clock())
        return _build_answer(request, id)


class StopIgnoringView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": WRITE}

    @openapi.describe_operation(
        "discrepancies_stop_ignoring",
        "Stop ignoring a discrepancy",
        {200: DiscrepancySerializer},
        problems=openapi.CHANGE_PROBLEMS,
        request=None,
    )
    def post(self, request: Request, id: UUID) -> Response:
        """Let an ignored difference wait for a decision again."""
        discrepancy = find_discrepancy(request, id)
        stop_ignoring(discrepancy, ActorContext.of_request(request), now=clock())
        return _build_answer(request, id)


class RepairsView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": WRITE}

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
