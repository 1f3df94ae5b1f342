"""The test database starts as a copy of an earlier one, as all migrations take long.

The copies are those of benches and installations, see bench/installation/migrated.py; Django
migrates the copy again, which has nothing to do.
"""

import contextlib
import os
import sqlite3
from urllib.parse import quote

from django.db import connection

from bench.installation import postgres
from bench.installation.migrated import FORGET_KEYS, copy_of, replacing, restore

EXISTING = os.environ["DATABASE_URL"]  # the database beside which Django makes that of the tests


def copy_file():
    return copy_of(EXISTING)


def can_be_copied():
    """Whether it is in memory, as always on SQLite, or on a server of ours."""
    return connection.vendor == "sqlite" or postgres.folder_of(EXISTING) is not None


@contextlib.contextmanager
def prepared():
    """Let Django find the copy, if there is one, when it makes the test database."""
    if not (copy_file().exists() and can_be_copied()):
        yield
    elif connection.vendor == "sqlite":
        with sqlite_memory() as memory:
            yield memory
    else:
        connection.settings_dict["TEST"]["TEMPLATE"] = template = create_template()
        yield template


@contextlib.contextmanager
def sqlite_memory():
    """Fill the shared memory that Django will connect to; it lasts as long as a connection does."""
    name = connection.creation._get_test_db_name()
    with (
        contextlib.closing(sqlite3.connect(name, uri=True)) as memory,
        contextlib.closing(
            sqlite3.connect(f"{copy_file().as_uri()}?immutable=1", uri=True)
        ) as copy,
    ):
        copy.backup(memory)
        memory.execute(FORGET_KEYS)
        memory.commit()
        yield memory


def create_template():
    name = f"{connection.creation._get_test_db_name()}_template"
    postgres.run_client(EXISTING, "psql", "--quiet", "-c", f'CREATE DATABASE "{name}"')
    restore(url_of(name), copy_file())
    return name


def store():
    """Write the copy, if there is none, of the test database that Django has just made."""
    if copy_file().exists() or not can_be_copied():
        return
    with replacing(copy_file()) as beside:
        if connection.vendor == "sqlite":
            connection.ensure_connection()
            with contextlib.closing(sqlite3.connect(beside)) as copy:
                connection.connection.backup(copy)
        else:
            beside.write_bytes(postgres.dump(url_of(connection.settings_dict["NAME"])))


def url_of(name):
    return f"{EXISTING.rpartition('/')[0]}/{quote(name)}"
