"""Querysets of the hot path, compiled once: on PostgreSQL the ORM's own work would cost more than the answer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db import connection as database
from django.db.models import Field, Lookup, Model, QuerySet
from django.db.models.lookups import In

from hub import rows

Row = TypeVar("Row", bound=Model)
LATE = datetime.max.replace(tzinfo=UTC)


@Field.register_lookup
class Among(Lookup):  # type: ignore[type-arg]
    """As `in`, with one parameter on PostgreSQL however many values there are."""

    lookup_name = "among"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        return In(self.lhs, list(self.rhs)).as_sql(compiler, connection)

    def as_postgresql(self, compiler: Any, connection: Any) -> Any:
        left, parameters = self.process_lhs(compiler, connection)
        return f"{left} = ANY(%s)", [*parameters, self.rhs]


class Asked(Generic[Row]):
    """A question whose parameters change and whose words do not: moments, ids and, by `among`, lists.

    `ask` gives a queryset without annotations; everything but its arguments must be the same at every call.
    """

    def __init__(self, ask: Callable[..., QuerySet[Row, Any]]) -> None:
        self.ask = ask
        self.compiled: Compiled | None = None

    def rows(self, **arguments: Any) -> list[tuple[Any, ...]]:
        """Of a `values_list`."""
        if database.vendor != "postgresql":
            return list(self.ask(**arguments))
        return self.compile(arguments).fetch(arguments)

    def models(self, **arguments: Any) -> list[Row]:
        if database.vendor != "postgresql":
            return list(self.ask(**arguments))
        compiled = self.compile(arguments)
        _, make = rows.maker(compiled.model)
        return [make(row) for row in compiled.fetch(arguments)]

    def compile(self, arguments: Mapping[str, Any]) -> "Compiled":
        if self.compiled is None:
            self.compiled = compile_with(self.ask, arguments)
        return self.compiled


class Sign:
    """Where an argument stands among the parameters."""

    def __init__(self, name: str) -> None:
        self.name = name


@dataclass(frozen=True, slots=True)
class Compiled:
    """The words of a question, and what it is asked of."""

    model: type[Model]
    statement: str
    parameters: Sequence[Any]  # a Sign where an argument stands

    def fetch(self, arguments: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        told = [arguments[one.name] if isinstance(one, Sign) else one for one in self.parameters]
        return rows.fetch(self.statement, told)


def compile_with(ask: Callable[..., QuerySet[Any, Any]], arguments: Mapping[str, Any]) -> Compiled:
    """It is asked once with a value that nobody means in each argument's place."""
    signs = {name: sign_of(value, place) for place, (name, value) in enumerate(arguments.items())}
    question = ask(**signs)
    statement, parameters = question.query.sql_with_params()
    found = [
        next((Sign(name) for name, sign in signs.items() if sign is one or sign == one), one) for one in parameters
    ]
    named = {one.name for one in found if isinstance(one, Sign)}
    if named != set(arguments):
        raise ValueError(f"the question does not keep {set(arguments) - named} as it is told")
    return Compiled(question.model, statement, found)


def sign_of(value: Any, place: int) -> datetime | UUID | Sequence[Any]:
    if isinstance(value, datetime):
        return LATE - timedelta(microseconds=place)
    if isinstance(value, UUID):
        return UUID(int=place)
    return [Sign(str(place))]
