"""The discrepancies that an action may change, and the filters of operations on many."""

from collections.abc import Callable, Mapping
from typing import Any

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce

from hub.scheduled.models import Discrepancy
from tenants.models import Tenant

REPAIRABLE_STATES = ("new", "open")
REPAIRABLE_VERDICTS = ("differs", "missing_here", "missing_there")
IGNORABLE_STATES = ("new", "open")

# By name; rows are named by their public ids.
REPAIR_FILTERS: Mapping[str, Callable[[Any], Q]] = {
    "job": lambda id: Q(job__public_id=id),
    "run": lambda id: Q(last_run__public_id=id),
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

    A filter by run selects the discrepancies that this run found itself. Those that it left
    undecided were found by an earlier run, and did not count towards its limits. Raises LookupError
    for an unknown name.
    """
    rows = Discrepancy.objects.of(tenant) if tenant else Discrepancy.unscoped.all()
    for name, value in filter.items():
        rows = rows.filter(REPAIR_FILTERS[name](value))
    return rows.filter(match_found_by_last_run()) if "run" in filter else rows


def match_found_by_last_run() -> Q:
    """Match discrepancies that the last run found itself, not those that it left undecided."""
    begun_at = Coalesce(F("last_run__started_at"), F("last_run__created_at"))
    return Q(last_seen_at__gte=begun_at)
