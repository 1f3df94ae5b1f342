"""The discrepancies that an action may change, and the filters of operations on many."""

from collections.abc import Callable, Mapping
from typing import Any

from django.db.models import Q, QuerySet

from hub.scheduled.models import Discrepancy, Run
from tenants.models import Tenant

REPAIRABLE_STATES = ("new", "open")
REPAIRABLE_VERDICTS = ("differs", "missing_here", "missing_there")
IGNORABLE_STATES = ("new", "open")

# By name; rows are named by their public ids.
REPAIR_FILTERS: Mapping[str, Callable[[Any], Q]] = {
    "job": lambda id: Q(job__public_id=id),
    "run": lambda id: match_found_by(id) | Q(last_run__public_id=id),
    "verdict": lambda verdict: Q(verdict=verdict),
    "field": lambda name: Q(field=name),
    "state": lambda state: Q(state=state),
    "record_key": lambda prefix: Q(record_key__startswith=prefix),
    "repairable": lambda _flag: match_repairable(),
    "discrepancies": lambda ids: Q(public_id__in=ids),
}


def match_repairable() -> Q:
    """Match the waiting discrepancies with a verdict that a write can resolve."""
    return Q(state__in=REPAIRABLE_STATES, verdict__in=REPAIRABLE_VERDICTS)


def select_discrepancies(filter: Mapping[str, Any], tenant: Tenant | None) -> QuerySet[Discrepancy]:
    """Select the discrepancies of a tenant, or of all, that match every condition.

    A filter by run selects the discrepancies that this run found itself, also those that later runs
    found again. Those that it left undecided were found by an earlier run, and did not count
    towards its limits. Raises LookupError for an unknown name.
    """
    rows = Discrepancy.objects.of(tenant) if tenant else Discrepancy.unscoped.all()
    for name, value in filter.items():
        rows = rows.filter(match_found_by(value) if name == "run" else REPAIR_FILTERS[name](value))
    return rows


def match_found_by(run_id: Any) -> Q:
    """Match the discrepancies that the run with this public id found."""
    run = Run.unscoped.filter(public_id=run_id).first()
    if run is None:
        return Q(pk__in=())
    return Q(job=run.job_id, tenant=run.tenant_id, found_by_runs__contains=f",{run.pk},")
