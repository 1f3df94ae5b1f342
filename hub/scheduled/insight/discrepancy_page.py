"""The contexts of the review and of a discrepancy's page, which customers and staff share."""

from typing import Any

from hub.outgoing.insight.log_rows import build_log_row
from hub.scheduled.insight.discrepancies import find_repair_delivery
from hub.scheduled.insight.review_rows import PAGE_VALUE_LENGTH_MAX, build_review_row
from hub.scheduled.insight.run_results import NIGHT_GROUPS, is_confirmation_needed, list_nights
from hub.scheduled.models import Discrepancy, Job
from tenants.models import Tenant


def build_discrepancy_context(discrepancy: Discrepancy) -> dict[str, Any]:
    delivery = find_repair_delivery(discrepancy)
    return {
        "row": build_review_row(discrepancy, limit=PAGE_VALUE_LENGTH_MAX),
        "lines": [build_log_row(delivery)] if delivery else [],
    }


def build_result_context(job: Job | None, tenant: Tenant) -> dict[str, Any]:
    """Return the last result of a job, and the picture of its last nights."""
    nights = list_nights(job, tenant) if job else []
    if not nights:
        return {"job": job, "last_run": None}
    last = nights[-1]
    return {
        "job": job,
        "last_run": last.run,
        "result": last.result,
        "statement": last.statement,
        "needs_confirmation": is_confirmation_needed(last.run, last.result),
        "nights": [(night.at, night.numbers) for night in nights],
        "night_parts": [(tone, label) for tone, label, _verdicts in NIGHT_GROUPS],
    }
