"""Filters of the list of discrepancies."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest

from hub.scheduled.repairs.filters import REPAIR_FILTERS, match_found_by
from hub.staff import TextFilter


class DiscrepancyFilter(TextFilter):
    """A filter whose query parameter has the same name as on the portal's pages and in REST."""

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        value = (self.value() or "").replace("\0", "")
        if not value:
            return queryset
        try:
            return queryset.filter(REPAIR_FILTERS[self.parameter_name](self.parse(value)))
        except ValueError:
            return queryset.none()

    def parse(self, value: str) -> Any:
        return value


class JobFilter(DiscrepancyFilter):
    title = "job (its id)"
    parameter_name = "job"

    def parse(self, value: str) -> UUID:
        return UUID(value)


class RunFilter(JobFilter):
    title = "run that found it (its id)"
    parameter_name = "run"


class RepairableFilter(DiscrepancyFilter):
    """Of a run: only what a plan of its repairs selects."""

    title = "can be repaired (1)"
    parameter_name = "repairable"

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        rows = super().queryset(request, queryset)
        run_id = request.GET.get("run") if self.value() else None
        try:
            return rows.filter(match_found_by(UUID(run_id))) if run_id else rows
        except ValueError:
            return queryset.none()


class FieldFilter(DiscrepancyFilter):
    title = "field"
    parameter_name = "field"


class RecordKeyFilter(DiscrepancyFilter):
    title = "beginning of the record's key"
    parameter_name = "record_key"
