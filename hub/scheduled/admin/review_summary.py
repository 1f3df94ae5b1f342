"""The summary above the list of discrepancies: counts by verdict and field, and the last result."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse

from hub.scheduled.insight.discrepancies import (
    COUNTED_STATES,
    count_by_verdict_and_field,
    total_counts,
)
from hub.scheduled.insight.discrepancy_page import build_result_context
from hub.scheduled.insight.review_rows import can_refuse_stale_writes
from hub.scheduled.models import Discrepancy, Job, Run
from hub.scheduled.repairs.filters import REPAIR_FILTERS
from tenants.models import Tenant
from tenants.scoping import visible_rows


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """A verdict and a field, with the query and the count of each state."""

    label: str
    field: str
    query: str
    cells: list[tuple[int, str]]


def build_review_context(request: HttpRequest) -> dict[str, Any]:
    """Return the summary for the tenant and job by which the list is filtered, if any."""
    tenant, job = _find_tenant(request), _find_job(request)
    rows = visible_rows(Discrepancy, request.user)
    if tenant is not None:
        rows = rows.filter(tenant=tenant)
    if job is not None:
        rows = rows.filter(REPAIR_FILTERS["job"](job.public_id))
    counts = count_by_verdict_and_field(rows)
    summary = [
        SummaryRow(
            str(Discrepancy.Verdict(count.verdict).label),
            count.field,
            _build_query(request, count.verdict, count.field),
            [
                (getattr(count, state), _build_query(request, count.verdict, count.field, state))
                for state in COUNTED_STATES
            ],
        )
        for count in counts
    ]
    return {
        "summary": summary,
        "totals": total_counts(counts),
        "lacks_precondition": job is not None and not can_refuse_stale_writes(job.connector_key),
        **(_build_result_context(job, tenant) if job and tenant else {}),
    }


def _find_tenant(request: HttpRequest) -> Tenant | None:
    reference = request.GET.get("tenant", "").replace("\0", "")
    if not reference:
        return None
    tenant: Tenant | None = visible_rows(Tenant, request.user).filter(reference=reference).first()
    return tenant


def _find_job(request: HttpRequest) -> Job | None:
    """Return the job by which the list is filtered, or that of the run by which it is."""
    name = "job" if request.GET.get("job") else "run"
    try:
        id = UUID(request.GET.get(name, ""))
    except ValueError:
        return None
    rows = visible_rows(Job, request.user)
    if name == "run":
        runs = visible_rows(Run, request.user).filter(public_id=id)
        return rows.filter(pk__in=runs.values("job")).first()
    return rows.filter(public_id=id).first()


def _build_query(request: HttpRequest, verdict: str, field: str, state: str = "") -> str:
    query = request.GET.copy()
    for name in ("p", "verdict__exact", "field", "state__exact", "record_key"):
        query.pop(name, None)
    query["verdict__exact"] = verdict
    for name, value in (("field", field), ("state__exact", state)):
        if value:
            query[name] = value
    return f"?{query.urlencode()}"


def _build_result_context(job: Job, tenant: Tenant) -> dict[str, Any]:
    """Return the last result of a job, with the pages that it leads to."""
    context = build_result_context(job, tenant)
    if run := context["last_run"]:
        query = urlencode({"run": run.public_id, "tenant": tenant.reference})
        context["changes_url"] = f"?{query}&repairable=1"
        context["confirm_url"] = f"{reverse('admin:scheduled_discrepancy_plan')}?{query}"
    return context
