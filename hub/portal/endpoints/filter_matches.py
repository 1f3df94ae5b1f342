"""The test of a filter against a tenant's recent events."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from hub.mappings.translate import MappingFailed, compile_filter
from hub.outgoing.insight.examples import load_recent_documents
from hub.outgoing.models import Event
from tenants.models import Tenant


@dataclass(frozen=True, slots=True)
class FilterMatch:
    event: Event
    passed: bool
    explanation: str = ""  # the part of the filter that rejected the event, or the error

    @property
    def at(self) -> datetime:
        return self.event.accepted_at


def match_recent_events(
    tenant: Tenant, patterns: Collection[str], filter: str
) -> list[FilterMatch]:
    """Return for each recent event of these types whether it passes the filter; sends nothing.

    Raises MappingError if the filter is invalid.
    """
    compiled = compile_filter(filter) if filter else None
    matches = []
    for event, document in load_recent_documents(tenant, patterns):
        try:
            clause = compiled.explain(document) if compiled else None
        except MappingFailed as error:
            matches.append(FilterMatch(event, False, str(error)))
            continue
        explanation = f"{clause.clause} → {clause.value}" if clause and not clause.passed else ""
        matches.append(FilterMatch(event, not explanation, explanation))
    return matches
