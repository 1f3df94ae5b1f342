"""Work on many deliveries: plan it, confirm it, look how far it is, cancel it."""

import math
from collections.abc import Callable
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hub.clock import clock
from hub.operations import start
from hub.operations.models import Operation
from hub.operations.start import Hand, Refused, TooManyRows
from hub.outgoing import bulk
from hub.outgoing.api import described as says
from hub.outgoing.api.deliveries import READ, WRITE
from hub.outgoing.api.planned import OperationSerializer, PlanSerializer
from hub.problems import Problem
from hub.rest.fields import address
from hub.rest.pages import PageQuery, asked, page
from hub.states import WrongState
from tenants.authentication import resolve_tenant
from tenants.models import Tenant
from tenants.scoping import changeable, reach, readable

CONFIRMING = ("not-found", "wrong-state", "too-many-rows")


def operations(request: Request) -> QuerySet[Operation]:
    allowed = readable if request.method == "GET" else changeable
    return Operation.unscoped.select_related("tenant").filter(allowed(Operation, reach(request.user)))


def find(request: Request, id: UUID) -> Operation:
    operation = operations(request).filter(public_id=id).first()
    if operation is None:
        raise Http404
    return operation


def tenant_of(request: Request, reference: str | None) -> Tenant | None:
    """A tenant's key means its own; a platform key that names none means all."""
    if reference is None and request.user.tenant is None:
        return None
    return resolve_tenant(request, reference)


class OperationsView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ, "POST": WRITE}

    @says.described(
        "operations_list",
        "List operations",
        {200: says.page_of(OperationSerializer, "OperationPage")},
        problems=["validation-failed"],
        parameters=[PageQuery],
        examples={"a page": says.listed(says.OPERATION)},
    )
    def get(self, request: Request) -> Response:
        """The newest first."""
        return page(request, operations(request), asked(request, PageQuery), OperationSerializer)

    @says.described(
        "operations_plan",
        "Plan an operation",
        {201: OperationSerializer},
        problems=says.READING,
        request=PlanSerializer,
        requests=[says.asking("everything that was given up since noon", says.PLANNING)],
        examples={"planned": says.OPERATION},
    )
    def post(self, request: Request) -> Response:
        """Find out what would be done. Nothing is done before the plan is confirmed, within 15 minutes."""
        now = clock()
        said = PlanSerializer(data=request.data, context={"now": now})
        said.is_valid(raise_exception=True)
        asked_for = said.validated_data
        operation = bulk.plan(
            asked_for["kind"],
            asked_for["filter"],
            tenant=tenant_of(request, asked_for.get("tenant")),
            reason=asked_for["reason"],
            hand=Hand.of_key(request),
            now=now,
        )
        answer = OperationSerializer(operation).data
        return Response(answer, status=201, headers={"Location": address("operation", operation)})


class OperationView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ}

    @says.described(
        "operations_read",
        "Read an operation",
        {200: OperationSerializer},
        problems=["not-found"],
        examples={"read": says.OPERATION},
    )
    def get(self, request: Request, id: UUID) -> Response:
        """What was planned, and how far it is."""
        return Response(OperationSerializer(find(request, id)).data)


def decide(request: Request, id: UUID, verb: Callable[..., None]) -> Response:
    operation, now = find(request, id), clock()
    try:
        verb(operation, Hand.of_key(request), now=now)
    except TooManyRows as refused:
        raise Problem("too-many-rows", str(refused), headers=wait(refused.again, now)) from refused
    except Refused as refused:
        raise Problem("wrong-state", str(refused)) from refused
    except WrongState as error:
        raise Problem("wrong-state", f"The operation is {find(request, id).state}.") from error
    return Response(OperationSerializer(operation).data)


def wait(again: datetime | None, now: datetime) -> dict[str, str]:
    return {"Retry-After": str(math.ceil((again - now).total_seconds()))} if again else {}


class ConfirmView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": WRITE}

    @says.described(
        "operations_confirm",
        "Confirm an operation",
        {200: OperationSerializer},
        problems=CONFIRMING,
        request=None,
        examples={"running": says.OPERATION | {"state": "running", "started_at": says.MOMENT}},
    )
    def post(self, request: Request, id: UUID) -> Response:
        """Do what was planned: at most as many rows as the plan says, and none that was accepted after it."""
        return decide(request, id, start.confirm)


class CancelOperationView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": WRITE}

    @says.described(
        "operations_cancel",
        "Cancel an operation",
        {200: OperationSerializer},
        problems=says.DECIDING,
        request=None,
        examples={"cancelled": says.OPERATION | {"state": "cancelled", "finished_at": says.MOMENT}},
    )
    def post(self, request: Request, id: UUID) -> Response:
        """No further rows are touched; what was done stays done."""
        return decide(request, id, start.cancel)
