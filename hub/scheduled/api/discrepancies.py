"""REST API: list and read the discrepancies that reconciliations found."""

from typing import ClassVar
from uuid import UUID

from django.http import Http404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hub.rest import openapi
from hub.rest.pagination import PageQuery, paginate_response, parse_query
from hub.scheduled.api import discrepancy_examples
from hub.scheduled.api.discrepancy_serializers import DiscrepancySerializer
from hub.scheduled.insight.discrepancies import (
    filter_discrepancies,
    readable_discrepancies,
)
from hub.scheduled.models import Discrepancy
from hub.scheduled.repairs.filters import REPAIR_FILTERS
from tenants.access.api_authentication import filter_by_tenant
from tenants.scoping import accessible_tenants, readable_condition

READ, WRITE = "discrepancies:read", "discrepancies:write"


class DiscrepanciesQuery(PageQuery):
    tenant = serializers.CharField(required=False)
    job = serializers.UUIDField(required=False)
    run = serializers.UUIDField(
        required=False, help_text="The run that found them, or saw them last."
    )
    verdict = serializers.ChoiceField(Discrepancy.Verdict.choices, required=False)
    field = serializers.CharField(max_length=80, required=False)
    state = serializers.ChoiceField(Discrepancy.State.choices, required=False)
    record_key = serializers.CharField(
        max_length=200, required=False, trim_whitespace=False, help_text="Its beginning."
    )


def find_discrepancy(request: Request, id: UUID) -> Discrepancy:
    """Return a discrepancy that the key may see. Raises Http404."""
    tenants = accessible_tenants(request.user)
    rows = readable_discrepancies().filter(readable_condition(Discrepancy, tenants), public_id=id)
    discrepancy = rows.first()
    if discrepancy is None:
        raise Http404
    return discrepancy


class DiscrepanciesView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ}

    @openapi.describe_operation(
        "discrepancies_list",
        "List discrepancies",
        {200: openapi.page_schema(DiscrepancySerializer, "DiscrepancyPage")},
        problems=openapi.READ_PROBLEMS,
        parameters=[DiscrepanciesQuery],
        examples={"a page": openapi.list_example(discrepancy_examples.DISCREPANCY)},
    )
    def get(self, request: Request) -> Response:
        """List the differences that reconciliations found, newest first, resolved ones included."""
        query = parse_query(request, DiscrepanciesQuery)
        tenants = accessible_tenants(request.user)
        rows = readable_discrepancies().filter(readable_condition(Discrepancy, tenants))
        rows = filter_by_tenant(request, rows, query)
        filter = {name: query[name] for name in REPAIR_FILTERS if name in query}
        rows = filter_discrepancies(rows, filter)
        return paginate_response(request, rows, query, DiscrepancySerializer)


class DiscrepancyView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ}

    @openapi.describe_operation(
        "discrepancies_read",
        "Read a discrepancy",
        {200: DiscrepancySerializer},
        problems=["not-found"],
        examples={"read": discrepancy_examples.DISCREPANCY},
    )
    def get(self, request: Request, id: UUID) -> Response:
        """Return a difference with both values, and the result of its repair."""
        return Response(DiscrepancySerializer(find_discrepancy(request, id)).data)
