"""The database of a test, for a process of its own."""

import os
import sqlite3
from contextlib import closing, contextmanager

from django.db import connection as database


@contextmanager
def outside(folder):
    """Its address; the test itself is without a transaction. SQLite's lies in memory, so it goes
    there and back.
    """
    if database.vendor == "postgresql":
        yield f"{os.environ['DATABASE_URL'].rpartition('/')[0]}/{database.settings_dict['NAME']}"
        return
    file = folder / "hub.sqlite3"
    with closing(sqlite3.connect(file)) as copy:
        database.connection.backup(copy)
    yield f"sqlite:///{file}"
    with closing(sqlite3.connect(file)) as copy:
        copy.backup(database.connection)
