"""Which discrepancies an action may change, and the filters of operations on many."""

from collections.abc import Callable, Mapping
from typing import Any

from django.db.models import Q, QuerySet

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
    "discrepancies": lambda ids: Q(public_id__in=ids),
}


def match_repairable() -> Q:
    """Match the discrepancies that wait, of verdicts that a write can remove."""
    return Q(state__in=REPAIRABLE_STATES, verdict__in=REPAIRABLE_VERDICTS)


def select_discrepancies(filter: Mapping[str, Any], tenant: Tenant | None) -> QuerySet[Discrepancy]:
    """Select the discrepancies of a tenant, or of all, that match every condition.

    Raises LookupError for an unknown name.
    """
    rows = Discrepancy.objects.of(tenant) if tenant else Discrepancy.unscoped.all()
    for name, value in filter.items():
        rows = rows.filter(REPAIR_FILTERS[name](value))
    return rows
