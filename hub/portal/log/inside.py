"""What stands inside of events: a value anywhere in the data, or what an expression of the filters' language says."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple, Self
from uuid import UUID

from hub.mappings.translate import Budget, CompiledFilter, MappingFailed, OverBudget
from hub.outgoing.match import compiled_filter
from hub.outgoing.models import document
from tenants.models import Tenant


class Opened(NamedTuple):
    """A row, with what is read of its event."""

    pk: int
    public_id: UUID
    event: int
    sender_id: str
    type: str
    occurred_at: datetime


class Sought:
    """Asked of one event after the other; all of them share what reading them and expressions may cost."""

    def __init__(self, tenant: Tenant, value: str, where: CompiledFilter | None, budget: Budget) -> None:
        self.tenant, self.value, self.where, self.budget = tenant, value.strip().lower(), where, budget

    @classmethod
    def of(cls, said: dict[str, Any], tenant: Tenant, budget: Budget) -> Self:
        return cls(tenant, said.get("value", ""), compiled_filter(said["where"]) if "where" in said else None, budget)

    @property
    def spent(self) -> bool:
        return self.budget.left < 0

    def in_body(self, row: Opened, body: bytes) -> bool:
        """False too where the budget ended before there was an answer: then it is spent."""
        try:
            self.budget.spend_characters(len(body))
            data = json.loads(body).get("data")
            return self.in_values(data) and self.by_expression(row, data)
        except OverBudget:
            return False

    def in_values(self, data: Any) -> bool:
        """Whether some value contains the text; upper and lower case alike."""
        return not self.value or any(self.value in text.lower() for text in self.texts(data))

    def texts(self, data: Any) -> Iterator[str]:
        """Without recursion: data may be nested deeper than Python likes."""
        rest = [data]
        while rest:
            one = rest.pop()
            self.budget.spend(1)
            if isinstance(one, dict | list):
                rest.extend(one.values() if isinstance(one, dict) else one)
            elif one is not None:
                yield one if isinstance(one, str) else written(one)

    def by_expression(self, row: Opened, data: Any) -> bool:
        """Where there is no answer, the event is not meant."""
        if self.where is None:
            return True
        try:
            return self.where.passes(
                document(row.sender_id, row.type, self.tenant, row.occurred_at, data), budget=self.budget
            )
        except MappingFailed:
            return False


def written(value: bool | float) -> str:
    """A number or truth value as JSON writes it."""
    return str(value) if type(value) is int else json.dumps(value)
