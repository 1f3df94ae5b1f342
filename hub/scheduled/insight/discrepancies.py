"""Discrepancies for lists and pages: filters, counts, and keyset pagination."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet

from hub.outgoing.insight.explain import readable_deliveries
from hub.outgoing.models import Delivery
from hub.scheduled.models import Discrepancy
from hub.scheduled.repairs.filters import REPAIR_FILTERS, REPAIRABLE_STATES, match_found_by

UNRESOLVED = ~Q(state=Discrepancy.State.RESOLVED)  # the condition of the index
UNDECIDED = UNRESOLVED & Q(state__in=REPAIRABLE_STATES)
SELECTED_LIMIT = 1000  # discrepancies that are selected one by one
COUNT_LIMIT = 50_000  # rows that a summary counts
COUNTED_STATES = ("new", "open", "repairing", "ignored")


def find_repair_delivery(discrepancy: Discrepancy) -> Delivery | None:
    """Return the repair's delivery with the rows that pages show, in one query; None if none."""
    if discrepancy.repair_delivery_id is None:
        return None
    return readable_deliveries().filter(pk=discrepancy.repair_delivery_id).first()


def readable_discrepancies() -> QuerySet[Discrepancy]:
    """Return a queryset of discrepancies with what pages and REST show, in one query."""
    return Discrepancy.unscoped.select_related(
        "tenant", "job", "connection", "last_run", "repair_delivery"
    )


def filter_discrepancies(
    rows: QuerySet[Discrepancy], filter: Mapping[str, Any]
) -> QuerySet[Discrepancy]:
    """Return the rows that match every condition. Raises KeyError for an unknown name.

    `run` and `repairable` together select what a plan of this run's repairs selects.
    """
    for name, value in filter.items():
        rows = rows.filter(REPAIR_FILTERS[name](value))
    is_plan = {"run", "repairable"} <= set(filter)
    return rows.filter(match_found_by(filter["run"])) if is_plan else rows


@dataclass(frozen=True, slots=True)
class DiscrepancyCount:
    """The unresolved discrepancies of one verdict and field, by state."""

    verdict: str
    field: str  # empty: the whole record
    new: int
    open: int
    repairing: int
    ignored: int

    @property
    def total(self) -> int:
        return self.new + self.open + self.repairing + self.ignored


def count_by_verdict_and_field(rows: QuerySet[Discrepancy]) -> list[DiscrepancyCount]:
    """Count the newest COUNT_LIMIT unresolved rows by verdict and field, the most frequent first.

    One statement.
    """
    newest = rows.filter(UNRESOLVED).order_by("-pk").values("pk")[:COUNT_LIMIT]
    counted: dict[str, Any] = {
        state: Count("pk", filter=Q(state=state)) for state in COUNTED_STATES
    }
    groups = (
        Discrepancy.unscoped.filter(pk__in=newest)
        .order_by()
        .values("verdict", "field")
        .annotate(**counted)
    )
    return sorted(
        (_build_count(group) for group in groups),
        key=lambda count: (-count.total, count.verdict, count.field),
    )


def _build_count(group: Mapping[str, Any]) -> DiscrepancyCount:
    return DiscrepancyCount(**group)


def total_counts(counts: Sequence[DiscrepancyCount]) -> Mapping[str, int]:
    """Return the total of each counted state."""
    return {state: sum(getattr(count, state) for count in counts) for state in COUNTED_STATES}
