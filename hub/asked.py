"""Querysets of the hot path, compiled once: on PostgreSQL the ORM's own work would cost more than the answer."""

from collections.abc import Callable, Sequence
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
        self.compiled: tuple[str, list[Any]] | None = (
            None  # the statement; where an argument stands, its name in a Sign
        )

    def rows(self, **arguments: Any) -> list[tuple[Any, ...]]:
        """As they are in the database; of a `values_list`, its columns, else all of the model's."""
        if database.vendor != "postgresql":
            asked = self.ask(**arguments)
            return list(asked if asked.query.values_select else asked.values_list())
        if self.compiled is None:
            self.compiled = compile_with(self.ask, arguments)
        statement, parameters = self.compiled
        return rows.fetch(statement, [arguments[one.name] if isinstance(one, Sign) else one for one in parameters])

    def models(self, model: type[Row], **arguments: Any) -> list[Row]:
        """Of a model whose columns need no conversion."""
        names = [field.attname for field in model._meta.concrete_fields]
        return [model.from_db(database.alias, names, row) for row in self.rows(**arguments)]


class Sign:
    """Where an argument stands among the parameters."""

    def __init__(self, name: str) -> None:
        self.name = name


def compile_with(ask: Callable[..., QuerySet[Any, Any]], arguments: dict[str, Any]) -> tuple[str, list[Any]]:
    """The words of the question, with a value that nobody asks for in each argument's place."""
    signs = {name: sign_of(value, place) for place, (name, value) in enumerate(arguments.items())}
    statement, parameters = ask(**signs).query.sql_with_params()
    found = [
        next((Sign(name) for name, sign in signs.items() if sign is one or sign == one), one) for one in parameters
    ]
    named = {one.name for one in found if isinstance(one, Sign)}
    if named != set(arguments):
        raise ValueError(f"the question does not keep {set(arguments) - named} as it is told")
    return statement, found


def sign_of(value: Any, place: int) -> datetime | UUID | Sequence[Any]:
    if isinstance(value, datetime):
        return LATE - timedelta(microseconds=place)
    if isinstance(value, UUID):
        return UUID(int=place)
    return [Sign(str(place))]
