"""The database of an earlier release, in the place of the one of the tests."""

import contextlib
import sqlite3
import tempfile
from pathlib import Path

import psycopg
from django.apps import apps
from django.core.management import call_command
from django.db import connection, connections

FIXTURES = Path(__file__).parent / "fixtures"
RELEASES = sorted(path.name.partition(".")[0] for path in FIXTURES.glob("*.sqlite.sql"))


@contextlib.contextmanager
def restored(release):
    """Everybody's `connection` leads there."""
    dump = (FIXTURES / f"{release}.{connection.vendor}.sql").read_text()
    tests_own = connections["default"]
    with {"sqlite": on_sqlite, "postgresql": on_postgresql}[connection.vendor](dump) as name:
        connections["default"] = tests_own.copy()
        connection.settings_dict["NAME"] = name
        try:
            yield
        finally:
            connection.close()
            connections["default"] = tests_own


@contextlib.contextmanager
def on_sqlite(dump):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "hub.sqlite3"
        with contextlib.closing(sqlite3.connect(file)) as database:
            database.executescript(dump)
        yield str(file)


@contextlib.contextmanager
def on_postgresql(dump):
    name = f"{connection.settings_dict['NAME']}_of_a_release"
    statement(f"DROP DATABASE IF EXISTS {name}")
    statement(f"CREATE DATABASE {name}")
    try:
        with psycopg.connect(**connection.get_connection_params() | {"dbname": name}) as database:
            database.execute(dump)
        yield name
    finally:
        statement(f"DROP DATABASE {name} WITH (FORCE)")


def statement(text):
    with connection._nodb_cursor() as cursor:
        cursor.execute(text)


def upgrade():
    call_command("migrate", verbosity=0)


def counted():
    """Rows by table, and deliveries by state, in SQL that asks no model."""
    with connection.cursor() as cursor:
        tables = {
            name: one(cursor, f'SELECT count(*) FROM "{name}"')
            for name in connection.introspection.table_names()
        }
        cursor.execute("SELECT state, count(*) FROM outgoing_delivery GROUP BY state")
        return tables, dict(cursor.fetchall())


def one(cursor, query):
    cursor.execute(query)
    return cursor.fetchone()[0]


def list_our_tables():
    """Return the tables of the models of our own apps."""
    return {
        model._meta.db_table
        for config in apps.get_app_configs()
        if config.name.partition(".")[0] in ("hub", "tenants")
        for model in config.get_models(include_auto_created=True)
    }
