"""Rows that the database refuses, as a defect of ours would fail."""

from contextlib import contextmanager

from django.db import connection as database


@contextmanager
def rows_refused_by_database(table, *, unless):
    """Let the database refuse new rows of the table that do not meet a condition in SQL, such as
    "item_key <> 'x'".
    """
    is_postgresql = database.vendor == "postgresql"
    begin = (
        f"ALTER TABLE {table} ADD CONSTRAINT poison CHECK ({unless})"
        if is_postgresql
        else f"CREATE TRIGGER poison BEFORE INSERT ON {table} "
        f"WHEN NOT (NEW.{unless}) BEGIN SELECT RAISE(ABORT, 'poison'); END"
    )
    end = f"ALTER TABLE {table} DROP CONSTRAINT poison" if is_postgresql else "DROP TRIGGER poison"
    with database.cursor() as cursor:
        cursor.execute(begin)
    try:
        yield
    finally:
        with database.cursor() as cursor:
            cursor.execute(end)
