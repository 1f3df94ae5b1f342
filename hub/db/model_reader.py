"""Read rows into model objects without the ORM's work for each statement."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from django.db import connection as database
from django.db import models

from hub.db.bulk import is_json_field, query_rows


@cache
def select_columns(model: type[models.Model], alias: str) -> str:
    """Return the columns of a model for a SELECT whose rows `read_models` reads."""
    return ", ".join(f'{alias}."{field.column}"' for field in model._meta.concrete_fields)


def read_models(
    statement: str, parameters: Sequence[Any], *model_types: type[models.Model]
) -> list[tuple[Any, ...]]:
    """Return for each row one object of each model, by its columns, then the other columns.

    An object is None where an outer join found no row.
    """
    makers, objects_of_rows = [model_builder(model) for model in model_types], []
    for row in query_rows(statement, parameters):
        objects, index = [], 0
        for width, build in makers:
            objects.append(build(row[index : index + width]))
            index += width
        objects_of_rows.append((*objects, *row[index:]))
    return objects_of_rows


@cache
def model_builder(model: type[models.Model]) -> tuple[int, Callable[[Sequence[Any]], Any]]:
    """Return the number of columns of a model, and the function that builds an object from them."""
    fields = model._meta.concrete_fields
    names, key = [field.attname for field in fields], fields.index(model._meta.pk)
    selected = [field.get_col(model._meta.db_table) for field in fields]
    converters = [
        (
            index,
            column,
            [*database.ops.get_db_converters(column), *column.get_db_converters(database)],
        )
        for index, column in enumerate(selected)
    ]
    used_converters = [
        (index, column, _skip_if_parsed(converter) if is_json_field(column.target) else converter)
        for index, column, converters_of_column in converters
        for converter in converters_of_column
    ]

    def make(values: Sequence[Any]) -> Any:
        if values[key] is None:
            return None
        converted = list(values)
        for index, column, convert in used_converters:
            converted[index] = convert(converted[index], column, database)
        return model.from_db(database.alias, names, converted)

    return len(fields), make


def _skip_if_parsed(convert: Callable[..., Any]) -> Callable[..., Any]:
    """Return the converter, skipped for JSON that PostgreSQL's binary format returned parsed."""
    return lambda value, column, database: (
        convert(value, column, database) if isinstance(value, str) else value
    )
