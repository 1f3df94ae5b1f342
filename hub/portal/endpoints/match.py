"""How a filter does on the last events that an endpoint would see."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from hub.mappings.translate import MappingFailed, compile_filter
from hub.outgoing.examples import last_documents
from hub.outgoing.models import Event
from tenants.models import Tenant


@dataclass(frozen=True, slots=True)
class Match:
    event: Event
    passed: bool
    why: str = ""  # the part of the filter that refused it, or what went wrong

    @property
    def at(self) -> datetime:
        return self.event.accepted_at


def matches_of(tenant: Tenant, patterns: Collection[str], filter: str) -> list[Match]:
    """Nothing is sent. Raises MappingError where the filter is none."""
    compiled = compile_filter(filter) if filter else None
    found = []
    for event, document in last_documents(tenant, patterns):
        try:
            clause = compiled.explain(document) if compiled else None
        except MappingFailed as error:
            found.append(Match(event, False, str(error)))
            continue
        why = f"{clause.clause} → {clause.value}" if clause and not clause.passed else ""
        found.append(Match(event, not why, why))
    return found
