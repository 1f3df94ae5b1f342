"""Search in bodies of events: a value anywhere in the data, or a filter expression."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple, Self
from uuid import UUID

from connectors.http import encode_json, load_json
from hub.mappings.compiler_cache import compiled_filter
from hub.mappings.translate import Budget, CompiledFilter, MappingFailed, OverBudget
from hub.outgoing.models import build_event_document
from tenants.models import Tenant


class EventRow(NamedTuple):
    """A row with the stored body of its event."""

    pk: int
    public_id: UUID
    event_pk: int
    sender_id: str
    type: str
    occurred_at: datetime


class BodySearch:
    """A search in events' bodies for a text and a filter expression, within a budget of steps.

    Reading a body and evaluating an expression spend the budget, which several events share.
    """

    def __init__(
        self, tenant: Tenant, value: str, where: CompiledFilter | None, budget: Budget
    ) -> None:
        self.tenant, self.value, self.expression, self.budget = (
            tenant,
            value.strip().lower(),
            where,
            budget,
        )

    @classmethod
    def of(cls, data: dict[str, Any], tenant: Tenant, budget: Budget) -> Self:
        return cls(
            tenant,
            data.get("value", ""),
            compiled_filter(data["where"]) if "where" in data else None,
            budget,
        )

    @property
    def is_exhausted(self) -> bool:
        return self.budget.remaining_steps < 0

    def matches_body(self, event_row: EventRow, body: bytes) -> bool:
        """Return whether the event matches; False also if the budget is exhausted first."""
        try:
            self.budget.spend_characters(len(body))
            data = load_json(body).get("data")
            return self.matches_value(data) and self.matches_expression(event_row, data)
        except OverBudget:
            return False

    def matches_value(self, data: Any) -> bool:
        """Return whether a value contains the text, ignoring case."""
        return not self.value or any(
            self.value in text.lower() for text in self.iterate_texts(data)
        )

    def iterate_texts(self, data: Any) -> Iterator[str]:
        """Yield all scalar values as text, without recursion: data may be nested very deeply."""
        pending = [data]
        while pending:
            node = pending.pop()
            self.budget.spend(1)
            if isinstance(node, dict | list):
                pending.extend(node.values() if isinstance(node, dict) else node)
            elif node is not None:
                yield node if isinstance(node, str) else format_scalar(node)

    def matches_expression(self, event_row: EventRow, data: Any) -> bool:
        """Return whether the expression is true; False if it cannot be evaluated."""
        if self.expression is None:
            return True
        try:
            return self.expression.passes(
                build_event_document(
                    event_row.sender_id, event_row.type, self.tenant, event_row.occurred_at, data
                ),
                budget=self.budget,
            )
        except MappingFailed:
            return False


def format_scalar(value: bool | float | Decimal) -> str:
    """Return a number or truth value as JSON writes it."""
    return str(value) if type(value) is int else encode_json(value)
