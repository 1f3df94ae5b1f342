"""REST API: list and read the discrepancies that reconciliations found."""

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from hub.rest.pagination import PageQuery
from hub.rest.views import build_detail, build_list
from hub.scheduled.api.discrepancy_serializers import DiscrepancySerializer
from hub.scheduled.insight.discrepancies import (
    filter_discrepancies,
    readable_discrepancies,
)
from hub.scheduled.models import Discrepancy
from hub.scheduled.repairs.filters import REPAIR_FILTERS
from tenants.access.api_authentication import filter_by_tenant
from tenants.scoping import accessible_tenants, readable_condition

READ = "discrepancies:read"


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


def visible_discrepancies(request: Request) -> QuerySet[Discrepancy]:
    tenants = accessible_tenants(request.user)
    return readable_discrepancies().filter(readable_condition(Discrepancy, tenants))


def find_discrepancy(request: Request, id: UUID) -> Discrepancy:
    """Return a discrepancy that the key may see. Raises Http404."""
    return get_object_or_404(visible_discrepancies(request), public_id=id)


def _list_discrepancies(request: Request, query: Mapping[str, Any]) -> QuerySet[Discrepancy]:
    rows = filter_by_tenant(request, visible_discrepancies(request), query)
    return filter_discrepancies(rows, {name: query[name] for name in REPAIR_FILTERS & query.keys()})


class DiscrepanciesView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ}

    get = build_list(
        "discrepancies_list",
        "List discrepancies",
        "List the differences that reconciliations found, newest first, resolved ones included.",
        DiscrepancySerializer,
        page="DiscrepancyPage",
        rows=_list_discrepancies,
        query=DiscrepanciesQuery,
    )


class DiscrepancyView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ}

    get = build_detail(
        "discrepancies_read",
        "Read a discrepancy",
        "Return a difference with both values, and the result of its repair.",
        DiscrepancySerializer,
        find_discrepancy,
    )
