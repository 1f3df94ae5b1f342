"""The context of a run's page, which customers and staff share."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from hub.reason_codes import Reason
from hub.scheduled.insight.result_lines import list_result_lines
from hub.scheduled.insight.run_progress import (
    describe_run,
    list_log_lines,
    list_spent_quotas,
    measure_figures,
)
from hub.scheduled.models import Run

LIVE_TEMPLATE = "portal/runs/run_live.html"
RUNS_SHOWN = 10  # on the page of a job


def build_run_context(run: Run, *, now: datetime) -> dict[str, Any]:
    return {
        "run": run,
        "text": describe_run(run),
        "progress": measure_figures(run, now=now),
        "spent": list_spent_quotas(run),
        "results": list_result_lines(run),
        "log": list_log_lines(run),
        "is_open": run.state in Run.OPEN_STATES,
        "ended": run.state not in Run.OPEN_STATES,
        "is_late": run.is_late(now=now),
    }


def list_last_runs(runs: QuerySet[Run]) -> list[tuple[Run, Reason]]:
    """List the newest of these runs with what their states mean, as a job's page shows them."""
    return [(run, describe_run(run)) for run in runs.order_by("-pk")[:RUNS_SHOWN]]
