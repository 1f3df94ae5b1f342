"""Tell a database that is away from one that cannot carry out a statement for now."""

import sqlite3
from collections.abc import Callable

from django.db import InterfaceError, OperationalError
from psycopg.errors import QueryCanceled

# the connection or the server failed, not the data
DATABASE_ERRORS = (InterfaceError, OperationalError)
SQLITE_BUSY_CODES = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL)
PRIMARY_CODE_MASK = 0xFF  # of an extended result code


def is_database_away(error: Exception, *, is_usable: Callable[[], bool]) -> bool:
    """Return whether the connection broke, as opposed to a rejected statement."""
    return isinstance(error, DATABASE_ERRORS) and not is_usable()


def is_database_busy(error: Exception) -> bool:
    """Return whether the same statements may succeed a moment later, on a usable connection.

    A lock was held for too long, a deadlock was ended, or a disk is full. A statement that took too
    long may do so again: it failed. SQLite reports wrong statements as operational errors, too.
    """
    cause = error.__cause__
    if isinstance(cause, sqlite3.Error):
        return cause.sqlite_errorcode & PRIMARY_CODE_MASK in SQLITE_BUSY_CODES
    return isinstance(error, OperationalError) and not isinstance(cause, QueryCanceled)
