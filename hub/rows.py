"""Many rows in one statement, for the hot path: arrays on PostgreSQL, one statement for many rows on SQLite.

What the ORM does for a row costs as much as sending a message; here a row costs little more than its bytes.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import psycopg
from django.db import connection as database
from django.db import models

Columns = Mapping[str, Sequence[Any]]  # by the name of a field, a value for each row


def insert(model: type[models.Model], columns: Columns, *, once: bool = False) -> None:
    """One row for each place in the columns; every field without a default of the database's must be named.

    `once` leaves rows that are there already as they are.
    """
    fields = [model._meta.get_field(name) for name in columns]
    if not next(iter(columns.values())):
        return
    names = ", ".join(f'"{field.column}"' for field in fields)
    table, there = model._meta.db_table, " ON CONFLICT DO NOTHING" if once else ""
    if database.vendor == "postgresql":
        picked = ", ".join(f"v.c{place}{'::jsonb' if is_json(field) else ''}" for place, field in enumerate(fields))
        statement = f'INSERT INTO "{table}" ({names}) SELECT {picked} FROM {unnested(fields)}{there}'
        execute(statement, arrays(fields, columns))
    else:
        marks = ", ".join(["%s"] * len(fields))
        execute_many(f'INSERT INTO "{table}" ({names}) VALUES ({marks}){there}', prepared(fields, columns))


def update(
    model: type[models.Model], keys: Sequence[int], columns: Columns, *, only: Mapping[str, Any] = MappingProxyType({})
) -> int:
    """Give the rows with these keys new values, where they are as `only` says; how many that were."""
    fields = [model._meta.get_field(name) for name in columns]
    guards = [model._meta.get_field(name) for name in only]
    key, table = model._meta.pk, model._meta.db_table
    if not keys:
        return 0
    guard = "".join(f' AND t."{field.column}" = %s' for field in guards)
    if database.vendor == "postgresql":
        changes = ", ".join(f'"{field.column}" = v.c{place + 1}' for place, field in enumerate(fields))
        statement = f'UPDATE "{table}" AS t SET {changes} FROM {unnested([key, *fields])}'
        parameters = [*arrays([key, *fields], {key.name: keys, **columns}), *only.values()]
        return execute(f'{statement} WHERE t."{key.column}" = v.c0{guard}', parameters)
    changes = ", ".join(f'"{field.column}" = %s' for field in fields)
    statement = f'UPDATE "{table}" AS t SET {changes} WHERE t."{key.column}" = %s{guard}'
    told = [field.get_db_prep_save(value, database) for field, value in zip(guards, only.values(), strict=True)]
    rows = [[*row, number, *told] for row, number in zip(prepared(fields, columns), keys, strict=True)]
    return execute_many(statement, rows)


def is_json(field: Any) -> bool:
    return isinstance(field, models.JSONField)


# --- PostgreSQL ------------------------------------------------------------------------------------------------------


def unnested(fields: Sequence[Any]) -> str:
    names = ", ".join(f"c{place}" for place in range(len(fields)))
    return f"unnest({', '.join(f'%b::{array_type(field)}' for field in fields)}) AS v({names})"


def array_type(field: Any) -> str:
    return "text[]" if is_json(field) else f"{field.db_type(database).partition('(')[0]}[]"


def arrays(fields: Sequence[Any], columns: Columns) -> list[list[Any]]:
    return [
        [json.dumps(value) for value in values] if is_json(field) else list(values)
        for field, values in zip(fields, columns.values(), strict=True)
    ]


def execute(statement: str, parameters: Sequence[Any]) -> int:
    with binary_cursor() as cursor:
        return cursor.execute(statement, parameters).rowcount


def fetch(statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """The rows of a statement in PostgreSQL's own words, read in its binary format."""
    with binary_cursor() as cursor:
        return cursor.execute(statement, parameters).fetchall()


@contextmanager
def together() -> Iterator[None]:
    """What is inserted in this block goes to PostgreSQL in one piece; an error comes at its end."""
    if database.vendor != "postgresql":
        yield
        return
    database.ensure_connection()
    with database.wrap_database_errors, database.connection.pipeline():
        yield


@contextmanager
def binary_cursor() -> Iterator[psycopg.Cursor[Any]]:
    """On Django's connection, in its transaction; parameters and rows go as bytes, not as text."""
    database.ensure_connection()
    with database.wrap_database_errors, psycopg.Cursor(database.connection) as cursor:
        cursor.format = psycopg.pq.Format.BINARY
        yield cursor


# --- SQLite ----------------------------------------------------------------------------------------------------------


def prepared(fields: Sequence[Any], columns: Columns) -> list[list[Any]]:
    ready = [
        [field.get_db_prep_save(value, database) for value in values]
        for field, values in zip(fields, columns.values(), strict=True)
    ]
    return [list(row) for row in zip(*ready, strict=True)]


def execute_many(statement: str, rows: Sequence[Sequence[Any]]) -> int:
    with database.cursor() as cursor:
        cursor.executemany(statement, rows)
        return cursor.rowcount
