"""Insert, update, read many rows with one statement: arrays on PostgreSQL, executemany on SQLite.

The ORM's work for one row takes as long as sending a message; here a row costs little more than the
transfer of its bytes.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from types import MappingProxyType
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from django.db import connection as database
from django.db import models

from connectors.http import dump_checked_json

MAX_SQLITE_PARAMETERS = 32_766  # of one statement: the default of SQLite since 3.32.0
STATEMENTS_PER_PLAN = 300  # statements of one connection
ColumnValues = Mapping[str, Sequence[Any]]  # by the name of a field, a value for each row


def insert_rows(
    model: type[models.Model], columns: ColumnValues, *, ignore_conflicts: bool = False
) -> None:
    """Insert one row for each index of the columns: all fields without database defaults.

    With `ignore_conflicts`, existing rows are not changed.
    """
    fields = [column_field(model, name) for name in columns]
    if not next(iter(columns.values())):
        return
    conflict_clause = " ON CONFLICT DO NOTHING" if ignore_conflicts else ""
    if database.vendor == "postgresql":
        insert, parameters = build_insert(model, columns)
        execute_in_binary_format(f"{insert}{conflict_clause}", parameters)
    else:
        placeholders = ", ".join(["%s"] * len(fields))
        execute_many(
            f"{insert_head(model, fields)} VALUES ({placeholders}){conflict_clause}",
            prepare_rows(fields, columns),
        )


def update_rows(
    model: type[models.Model],
    keys: Sequence[int],
    columns: ColumnValues,
    *,
    only: Mapping[str, Any] = MappingProxyType({}),
) -> int:
    """Update the rows with these keys that match `only`; return how many were changed."""
    fields = [column_field(model, name) for name in columns]
    guards = [column_field(model, name) for name in only]
    key, table = model._meta.pk, model._meta.db_table
    if not keys:
        return 0
    guard = "".join(f' AND t."{field.column}" = %s' for field in guards)
    if database.vendor == "postgresql":
        constant_columns, parameters = _bulk_parameters([key, *fields], {key.name: keys, **columns})
        _, *values = _cell_expressions((key, *fields), constant_columns)
        changes = ", ".join(
            f'"{field.column}" = {value}' for field, value in zip(fields, values, strict=True)
        )
        new_rows = _unnest_clause((key, *fields), constant_columns)
        statement = f'UPDATE "{table}" AS t SET {changes} FROM {new_rows}'
        # by their keys, whatever the planner estimates for the guard: with few expected rows it
        # would scan the whole table
        guard = f" AND CASE WHEN true{guard} THEN true ELSE false END" if guard else ""
        return execute_in_binary_format(
            f'{statement} WHERE t."{key.column}" = v.c0{guard}', [*parameters, *only.values()]
        )
    changes = ", ".join(f'"{field.column}" = %s' for field in fields)
    statement = f'UPDATE "{table}" AS t SET {changes} WHERE t."{key.column}" = %s{guard}'
    guard_values = [
        field.get_db_prep_save(value, database)
        for field, value in zip(guards, only.values(), strict=True)
    ]
    rows = [
        [*values, number, *guard_values]
        for values, number in zip(prepare_rows(fields, columns), keys, strict=True)
    ]
    return execute_many(statement, rows)


def insert_missing_rows(
    model: type[models.Model], columns: ColumnValues, returning: Sequence[str]
) -> list[tuple[Any, ...]]:
    """Insert rows that do not exist yet; return the fields `returning` of the inserted ones."""
    fields = [column_field(model, name) for name in columns]
    returned_columns = ", ".join(f'"{column_field(model, name).column}"' for name in returning)
    tail = f"ON CONFLICT DO NOTHING RETURNING {returned_columns}"
    if database.vendor == "postgresql":
        insert, parameters = build_insert(model, columns)
        return fetch_rows(f"{insert} {tail}", parameters)
    head, placeholder = insert_head(model, fields), f"({', '.join(['%s'] * len(fields))})"
    rows, inserted = prepare_rows(fields, columns), []
    step = MAX_SQLITE_PARAMETERS // len(fields)
    for chunk in (rows[start : start + step] for start in range(0, len(rows), step)):
        values = [value for values in chunk for value in values]
        inserted += query_rows(
            f"{head} VALUES {', '.join([placeholder] * len(chunk))} {tail}", values
        )
    return inserted


def query_rows(statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    with database.cursor() as cursor:
        cursor.execute(statement, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def insert_head(model: type[models.Model], fields: Sequence[Any]) -> str:
    names = ", ".join(f'"{field.column}"' for field in fields)
    return f'INSERT INTO "{model._meta.db_table}" ({names})'


def column_values(model: type[models.Model], objects: Sequence[Any]) -> dict[str, list[Any]]:
    """Return these objects' columns for `insert_rows`, but automatic keys and generated columns."""
    return {
        field.attname: [getattr(instance, field.attname) for instance in objects]
        for field in model._meta.concrete_fields
        if not (isinstance(field, models.AutoField) or field.generated)
    }


def is_json_field(field: Any) -> bool:
    return isinstance(field, models.JSONField)


# --- PostgreSQL -----------------------------------------------------------------------------------


def build_insert(model: type[models.Model], columns: ColumnValues) -> tuple[str, list[Any]]:
    """Return the INSERT of one row for each index of the columns, and its parameters.

    It ends with its FROM clause, which takes further functions, and is followed by ON CONFLICT and
    RETURNING.
    """
    fields = tuple(column_field(model, name) for name in columns)
    constant_columns, parameters = _bulk_parameters(fields, columns)
    return f"{insert_head(model, fields)} {_select_clause(fields, constant_columns)}", parameters


def _bulk_parameters(
    fields: Sequence[Any], columns: ColumnValues
) -> tuple[tuple[bool, ...], list[Any]]:
    """Return which columns have the same value in all rows, and the parameters: these values, then
    an array for each other column.

    The first column is always an array: its length is the number of rows.
    """
    values = _column_arrays(fields, columns)
    constant_columns = (False, *(column.count(column[0]) == len(column) for column in values[1:]))
    constants = [
        column[0]
        for column, is_constant in zip(values, constant_columns, strict=True)
        if is_constant
    ]
    return constant_columns, constants + [
        column
        for column, is_constant in zip(values, constant_columns, strict=True)
        if not is_constant
    ]


@cache
def _cell_expressions(
    fields: tuple[Any, ...], constant_columns: tuple[bool, ...]
) -> tuple[str, ...]:
    """Return the SQL expression for each column."""
    expressions = (
        f"%b::{array_type(field)[:-2]}" if is_constant else f"v.c{index}"
        for index, (field, is_constant) in enumerate(zip(fields, constant_columns, strict=True))
    )
    return tuple(
        f"{cell}::jsonb" if is_json_field(field) else cell
        for field, cell in zip(fields, expressions, strict=True)
    )


@cache
def _unnest_clause(fields: tuple[Any, ...], constant_columns: tuple[bool, ...]) -> str:
    varying_fields = [
        (index, field) for index, field in enumerate(fields) if not constant_columns[index]
    ]
    names = ", ".join(f"c{index}" for index, _ in varying_fields)
    arrays = ", ".join(f"%b::{array_type(field)}" for _, field in varying_fields)
    return f"unnest({arrays}) AS v({names})"


@cache
def _select_clause(fields: tuple[Any, ...], constant_columns: tuple[bool, ...]) -> str:
    """Return the SELECT that turns the parameters into rows."""
    expressions = ", ".join(_cell_expressions(fields, constant_columns))
    return f"SELECT {expressions} FROM {_unnest_clause(fields, constant_columns)}"


def array_type(field: Any) -> str:
    return "text[]" if is_json_field(field) else f"{field.db_type(database).partition('(')[0]}[]"


def _column_arrays(fields: Sequence[Any], columns: ColumnValues) -> list[list[Any]]:
    return [
        _prepare_array(field, values)
        for field, values in zip(fields, columns.values(), strict=True)
    ]


def _prepare_array(field: Any, values: Sequence[Any]) -> list[Any]:
    """Return the values of a column as psycopg takes them.

    A field of our own whose values are objects sets `needs_preparation`.
    """
    if is_json_field(field):
        return [dump_checked_json(value).decode() for value in values]
    if getattr(field, "needs_preparation", False):
        return [field.get_db_prep_save(value, database) for value in values]
    return list(values)


def execute_in_binary_format(statement: str, parameters: Sequence[Any]) -> int:
    with binary_cursor() as cursor:
        return cursor.execute(statement, parameters).rowcount


def fetch_rows(statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Return the rows of a statement with PostgreSQL's own placeholders (%b), in binary format."""
    with binary_cursor() as cursor:
        return cursor.execute(statement, parameters).fetchall()


# statements of each connection
USES_BY_CONNECTION: WeakKeyDictionary[psycopg.Connection[Any], int] = WeakKeyDictionary()


def _replan_periodically(connection: "psycopg.Connection[Any]") -> None:
    """Discard plans of prepared statements after every STATEMENTS_PER_PLAN of a connection.

    PostgreSQL plans a prepared statement once. A plan made for an empty table scans the whole table
    when it has grown, until the table is analysed.
    """
    USES_BY_CONNECTION[connection] = USES_BY_CONNECTION.get(connection, 0) + 1
    if USES_BY_CONNECTION[connection] % STATEMENTS_PER_PLAN == 0:
        connection.execute("DISCARD PLANS")


@contextmanager
def insert_pipeline() -> Iterator[None]:
    """Send all inserts of this block to PostgreSQL in one pipeline; its end raises the errors."""
    if database.vendor != "postgresql":
        yield
        return
    _ensure_usable_connection()
    with database.wrap_database_errors, database.connection.pipeline():
        yield


def _ensure_usable_connection() -> None:
    """Connect, also if the server ended the connection; checked once a request, as by Django."""
    database.close_if_health_check_failed()
    database.ensure_connection()


@contextmanager
def binary_cursor() -> Iterator[psycopg.Cursor[Any]]:
    """Open a cursor in Django's transaction, with parameters and rows in binary format."""
    _ensure_usable_connection()
    with database.wrap_database_errors, psycopg.Cursor(database.connection) as cursor:
        _replan_periodically(database.connection)
        cursor.format = psycopg.pq.Format.BINARY
        yield cursor


# --- SQLite ---------------------------------------------------------------------------------------


def column_field(model: type[models.Model], name: str) -> models.Field:
    """Return the field with this name, which has a column of the model's table."""
    field = model._meta.get_field(name)
    assert isinstance(field, models.Field), f"{name} is a reverse relation"
    return field


def prepare_rows(fields: Sequence[Any], columns: ColumnValues) -> list[list[Any]]:
    prepared_columns = [
        [field.get_db_prep_save(value, database) for value in values]
        for field, values in zip(fields, columns.values(), strict=True)
    ]
    return [list(row) for row in zip(*prepared_columns, strict=True)]


def execute_many(statement: str, rows: Sequence[Sequence[Any]]) -> int:
    with database.cursor() as cursor:
        cursor.executemany(statement, rows)
        changed: int = cursor.rowcount
        return changed
