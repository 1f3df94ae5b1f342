"""Querysets compiled once: on PostgreSQL the ORM's work would cost more than the query."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db import connection as database
from django.db.models import Field, Lookup, Model, QuerySet
from django.db.models.lookups import In

from hub.db import bulk, model_reader

ModelType = TypeVar("ModelType", bound=Model)
SENTINEL_TIME = datetime.max.replace(tzinfo=UTC)


@Field.register_lookup
class AnyOf(Lookup):  # type: ignore[type-arg]  # not subscriptable at run time
    """Look-up like `in`, with a single array parameter on PostgreSQL for any number of values."""

    lookup_name = "any_of"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        return In(self.lhs, list(self.rhs)).as_sql(compiler, connection)

    def as_postgresql(self, compiler: Any, connection: Any) -> Any:
        left_sql, parameters = self.process_lhs(compiler, connection)
        return f"{left_sql} = ANY(%s)", [*parameters, self.rhs]


class PreparedQuery(Generic[ModelType]):
    """A queryset that is compiled once on PostgreSQL, and built for each call on other databases.

    Between calls only the values of the arguments change: times, UUIDs and, for the look-up
    `any_of`, lists. `build_queryset` returns a queryset without annotations, which depends on its
    arguments alone and has each of them, unchanged, as a parameter of its SQL.
    """

    def __init__(self, build_queryset: Callable[..., QuerySet[ModelType, Any]]) -> None:
        self.build_queryset = build_queryset
        self.compiled: CompiledQuery | None = None

    def fetch_rows(self, **arguments: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a `values_list`."""
        if database.vendor != "postgresql":
            return list(self.build_queryset(**arguments))
        return self.compile(arguments).fetch(arguments)

    def fetch_models(self, **arguments: Any) -> list[ModelType]:
        if database.vendor != "postgresql":
            return list(self.build_queryset(**arguments))
        compiled = self.compile(arguments)
        _, build_model = model_reader.model_builder(compiled.model)
        return [build_model(row) for row in compiled.fetch(arguments)]

    def compile(self, arguments: Mapping[str, Any]) -> "CompiledQuery":
        if self.compiled is None:
            self.compiled = _compile_query(self.build_queryset, arguments)
        return self.compiled


class Parameter:
    """The position of an argument among the parameters."""

    def __init__(self, name: str) -> None:
        self.name = name


@dataclass(frozen=True, slots=True)
class CompiledQuery:
    """SQL with its parameters, and the model that it reads."""

    model: type[Model]
    statement: str
    parameters: Sequence[Any]  # a Parameter at the position of an argument

    def fetch(self, arguments: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        parameters = [
            arguments[parameter.name] if isinstance(parameter, Parameter) else parameter
            for parameter in self.parameters
        ]
        return bulk.fetch_rows(self.statement, parameters)


def _compile_query(
    build_queryset: Callable[..., QuerySet[Any, Any]], arguments: Mapping[str, Any]
) -> CompiledQuery:
    """Compile with a sentinel in place of each argument, and record where the sentinels appear."""
    sentinels = {
        name: _sentinel_value(value, index) for index, (name, value) in enumerate(arguments.items())
    }
    queryset = build_queryset(**sentinels)
    statement, parameters = queryset.query.sql_with_params()
    marked_parameters = [
        next(
            (
                Parameter(name)
                for name, sentinel in sentinels.items()
                if sentinel is parameter or sentinel == parameter
            ),
            parameter,
        )
        for parameter in parameters
    ]
    found_names = {
        parameter.name for parameter in marked_parameters if isinstance(parameter, Parameter)
    }
    if found_names != set(arguments):
        raise ValueError(
            f"the query does not use {set(arguments) - found_names} unchanged as parameters"
        )
    return CompiledQuery(queryset.model, statement, marked_parameters)


def _sentinel_value(value: Any, index: int) -> datetime | UUID | Sequence[Any]:
    if isinstance(value, datetime):
        return SENTINEL_TIME - timedelta(microseconds=index)
    if isinstance(value, UUID):
        return UUID(int=index)
    return [Parameter(str(index))]
