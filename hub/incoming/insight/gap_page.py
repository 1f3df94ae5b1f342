"""Gaps as pages and REST show them: what happens, why, and what a person can do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from hub.actions import Action
from hub.incoming.gaps.gap_actions import GAP_ACTIONS
from hub.incoming.gaps.gap_texts import describe_gap_fully, explain_gap
from hub.incoming.models import InboundGap
from tenants.scoping import TenantIds, readable_condition

PERCENT = 100


@dataclass(frozen=True, slots=True)
class ShownGap:
    """A gap with its texts. `action`: what a person must do; empty: nothing."""

    gap: InboundGap
    sentence: str
    action: str
    possible_actions: Sequence[Action[InboundGap]]

    @property
    def is_open(self) -> bool:
        return self.gap.state in InboundGap.UNFINISHED_STATES

    @property
    def percent(self) -> int | None:
        """Return the part of a read that is done; None if it is not known."""
        if self.gap.state != "reading" or not self.gap.expected_count:
            return None
        return min(PERCENT, PERCENT * self.gap.read_count // self.gap.expected_count)


def readable_gaps(tenants: TenantIds) -> QuerySet[InboundGap]:
    """Select the gaps of tenants with what pages and REST show, in one query."""
    gaps = InboundGap.unscoped.select_related("tenant", "connection", "source__connection")
    return gaps.filter(readable_condition(InboundGap, tenants))


def show_gap(gap: InboundGap, *, now: datetime) -> ShownGap:
    """Return a gap, which was read with its source and connection, with its texts."""
    possible = [action for action in GAP_ACTIONS.values() if action.is_available(gap)]
    sentence = describe_gap_fully(gap, now=now)
    return ShownGap(gap, sentence, explain_gap(gap).action, possible)


def build_gap_context(gap: InboundGap, *, now: datetime) -> Mapping[str, Any]:
    """Return the context of a gap's page."""
    return {"entry": show_gap(gap, now=now), "gap": gap}
