"""The results of items: their events, and the deliveries of these."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Prefetch, QuerySet

from hub.incoming.insight.rows import InboundRow, build_row, readable_items
from hub.incoming.models import InboundItem
from hub.outgoing.insight.explain import (
    EffectiveState,
    readable_deliveries,
    resolve_effective_state,
)
from hub.outgoing.models import Delivery

FINAL_STATES = ("processed", "duplicate", "echo", "quarantined", "unmatched", "skipped")


@dataclass(frozen=True, slots=True)
class ItemOutcome:
    """An item with the deliveries of its event."""

    item: InboundItem
    row: InboundRow
    deliveries: Sequence[tuple[Delivery, EffectiveState]]

    @property
    def is_final(self) -> bool:
        return self.item.state in FINAL_STATES


def load_outcomes(items: QuerySet[InboundItem], *, limit: int) -> list[ItemOutcome]:
    """Load the outcomes of items, in two statements."""
    deliveries = Prefetch("event__deliveries", readable_deliveries().order_by("pk"))
    return [_build_outcome(item) for item in items.prefetch_related(deliveries)[:limit]]


def load_outcome(item: InboundItem) -> ItemOutcome:
    """Load the outcome of one item, in two statements."""
    (outcome,) = load_outcomes(readable_items().filter(pk=item.pk), limit=1)
    return outcome


def _build_outcome(item: InboundItem) -> ItemOutcome:
    deliveries = item.event.deliveries.all() if item.event else ()
    states = [(delivery, resolve_effective_state(delivery)) for delivery in deliveries]
    return ItemOutcome(item, build_row(item), states)
