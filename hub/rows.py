"""Many rows in one statement, for the hot path: arrays on PostgreSQL, one statement for many rows on SQLite.

What the ORM does for a row costs as much as sending a message; here a row costs little more than its bytes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from types import MappingProxyType
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from django.db import connection as database
from django.db import models

from connectors.wire import dumps_checked

PARAMETERS = 999  # of one statement, on SQLite
PLANS_SERVE = 300  # statements of one connection
Columns = Mapping[str, Sequence[Any]]  # by the name of a field, a value for each row


def insert(model: type[models.Model], columns: Columns, *, once: bool = False) -> None:
    """One row for each place in the columns; every field without a default of the database's must be named.

    `once` leaves rows that are there already as they are.
    """
    fields = [model._meta.get_field(name) for name in columns]
    if not next(iter(columns.values())):
        return
    head, there = into(model, fields), " ON CONFLICT DO NOTHING" if once else ""
    if database.vendor == "postgresql":
        alike, parameters = spread(fields, columns)
        execute(f"{head} {picked(tuple(fields), alike)}{there}", parameters)
    else:
        marks = ", ".join(["%s"] * len(fields))
        execute_many(f"{head} VALUES ({marks}){there}", prepared(fields, columns))


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
        alike, parameters = spread([key, *fields], {key.name: keys, **columns})
        _, *values = cells((key, *fields), alike)
        changes = ", ".join(f'"{field.column}" = {value}' for field, value in zip(fields, values, strict=True))
        statement = f'UPDATE "{table}" AS t SET {changes} FROM {unnested((key, *fields), alike)}'
        # by their keys, whatever the planner believes of the guard: few rows it would look for in the whole table
        guard = f" AND CASE WHEN true{guard} THEN true ELSE false END" if guard else ""
        return execute(f'{statement} WHERE t."{key.column}" = v.c0{guard}', [*parameters, *only.values()])
    changes = ", ".join(f'"{field.column}" = %s' for field in fields)
    statement = f'UPDATE "{table}" AS t SET {changes} WHERE t."{key.column}" = %s{guard}'
    told = [field.get_db_prep_save(value, database) for field, value in zip(guards, only.values(), strict=True)]
    rows = [[*row, number, *told] for row, number in zip(prepared(fields, columns), keys, strict=True)]
    return execute_many(statement, rows)


def insert_new(model: type[models.Model], columns: Columns, returning: Sequence[str]) -> list[tuple[Any, ...]]:
    """As `insert` with `once`; of the rows that were not there yet, these fields as the database has them."""
    fields = [model._meta.get_field(name) for name in columns]
    told = ", ".join(f'"{model._meta.get_field(name).column}"' for name in returning)
    head, tail = into(model, fields), f"ON CONFLICT DO NOTHING RETURNING {told}"
    if database.vendor == "postgresql":
        alike, parameters = spread(fields, columns)
        return fetch(f"{head} {picked(tuple(fields), alike)} {tail}", parameters)
    marks, rows, found = f"({', '.join(['%s'] * len(fields))})", prepared(fields, columns), []
    step = PARAMETERS // len(fields)
    for piece in (rows[start : start + step] for start in range(0, len(rows), step)):
        values = [value for row in piece for value in row]
        found += ask(f"{head} VALUES {', '.join([marks] * len(piece))} {tail}", values)
    return found


def into(model: type[models.Model], fields: Sequence[Any]) -> str:
    names = ", ".join(f'"{field.column}"' for field in fields)
    return f'INSERT INTO "{model._meta.db_table}" ({names})'


def columns_of(model: type[models.Model], objects: Sequence[Any]) -> dict[str, list[Any]]:
    """For `insert`: what these objects hold, but for what the database makes."""
    return {
        field.attname: [getattr(row, field.attname) for row in objects]
        for field in model._meta.concrete_fields
        if not (isinstance(field, models.AutoField) or field.generated)
    }


# --- rows into objects, without what the ORM does for each statement -------------------------------------------------


@cache
def columns(model: type[models.Model], alias: str) -> str:
    """What a statement selects that `read` shall make objects of."""
    return ", ".join(f'{alias}."{field.column}"' for field in model._meta.concrete_fields)


def read(statement: str, parameters: Sequence[Any], *kinds: type[models.Model]) -> list[tuple[Any, ...]]:
    """The objects of these models in each row, by the columns of one after the other; then what else it selects.

    None where an outer join found nothing.
    """
    makers, found = [maker(model) for model in kinds], []
    for row in ask(statement, parameters):
        objects, place = [], 0
        for width, make in makers:
            objects.append(make(row[place : place + width]))
            place += width
        found.append((*objects, *row[place:]))
    return found


def ask(statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    with database.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()


@cache
def maker(model: type[models.Model]) -> tuple[int, Callable[[Sequence[Any]], Any]]:
    """How many columns an object has, and how it is made of them."""
    fields = model._meta.concrete_fields
    names, key = [field.attname for field in fields], fields.index(model._meta.pk)
    shown = [field.get_col(model._meta.db_table) for field in fields]
    converters = [
        (place, column, [*database.ops.get_db_converters(column), *column.get_db_converters(database)])
        for place, column in enumerate(shown)
    ]
    needed = [
        (place, column, unless_read(each) if is_json(column.target) else each)
        for place, column, every in converters
        for each in every
    ]

    def make(values: Sequence[Any]) -> Any:
        if values[key] is None:
            return None
        said = list(values)
        for place, column, convert in needed:
            said[place] = convert(said[place], column, database)
        return model.from_db(database.alias, names, said)

    return len(fields), make


def unless_read(convert: Callable[..., Any]) -> Callable[..., Any]:
    """A JSON object that came in PostgreSQL's binary format is read already."""
    return lambda value, column, database: convert(value, column, database) if isinstance(value, str) else value


def is_json(field: Any) -> bool:
    return isinstance(field, models.JSONField)


# --- PostgreSQL ------------------------------------------------------------------------------------------------------


def spread(fields: Sequence[Any], columns: Columns) -> tuple[tuple[bool, ...], list[Any]]:
    """Which columns agree in all rows, and the parameters: one value for each of those, then arrays for the others.

    The first is always an array: it tells how many rows there are.
    """
    values = arrays(fields, columns)
    alike = (False, *(each.count(each[0]) == len(each) for each in values[1:]))
    once = [each[0] for each, same in zip(values, alike, strict=True) if same]
    return alike, once + [each for each, same in zip(values, alike, strict=True) if not same]


@cache
def cells(fields: tuple[Any, ...], alike: tuple[bool, ...]) -> tuple[str, ...]:
    """What stands for each column in a statement."""
    once = (
        f"%b::{array_type(field)[:-2]}" if same else f"v.c{place}"
        for place, (field, same) in enumerate(zip(fields, alike, strict=True))
    )
    return tuple(f"{cell}::jsonb" if is_json(field) else cell for field, cell in zip(fields, once, strict=True))


@cache
def unnested(fields: tuple[Any, ...], alike: tuple[bool, ...]) -> str:
    many = [(place, field) for place, field in enumerate(fields) if not alike[place]]
    names = ", ".join(f"c{place}" for place, _ in many)
    return f"unnest({', '.join(f'%b::{array_type(field)}' for _, field in many)}) AS v({names})"


@cache
def picked(fields: tuple[Any, ...], alike: tuple[bool, ...]) -> str:
    """The rows of these arrays."""
    return f"SELECT {', '.join(cells(fields, alike))} FROM {unnested(fields, alike)}"


def array_type(field: Any) -> str:
    return "text[]" if is_json(field) else f"{field.db_type(database).partition('(')[0]}[]"


def arrays(fields: Sequence[Any], columns: Columns) -> list[list[Any]]:
    return [
        [dumps_checked(value).decode() for value in values] if is_json(field) else list(values)
        for field, values in zip(fields, columns.values(), strict=True)
    ]


def execute(statement: str, parameters: Sequence[Any]) -> int:
    with binary_cursor() as cursor:
        return cursor.execute(statement, parameters).rowcount


def fetch(statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """The rows of a statement in PostgreSQL's own words, read in its binary format."""
    with binary_cursor() as cursor:
        return cursor.execute(statement, parameters).fetchall()


USES: WeakKeyDictionary[psycopg.Connection[Any], int] = WeakKeyDictionary()  # statements of each connection


def plan_anew(line: "psycopg.Connection[Any]") -> None:
    """Statements are prepared, so PostgreSQL plans them once; after so many uses it plans them anew, for tables grow.

    What was planned for an empty table reads a full one from end to end, until somebody analyses it.
    """
    USES[line] = USES.get(line, 0) + 1
    if USES[line] % PLANS_SERVE == 0:
        line.execute("DISCARD PLANS")


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
        plan_anew(database.connection)
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
