"""Distinguish a lost database connection from a statement that fails temporarily."""

import sqlite3
from collections.abc import Callable

from django.db import InterfaceError, OperationalError
from psycopg.errors import QueryCanceled

# the connection or the server failed, not the data
DATABASE_ERRORS = (InterfaceError, OperationalError)
SQLITE_BUSY_CODES = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL)
PRIMARY_CODE_MASK = 0xFF  # of an extended result code


def is_database_away(error: Exception, *, is_usable: Callable[[], bool]) -> bool:
    """Return whether the connection is lost, as opposed to a rejected statement."""
    return isinstance(error, DATABASE_ERRORS) and not is_usable()


def is_database_busy(error: Exception) -> bool:
    """Return whether the same statements may succeed a moment later on the same connection.

    True after a lock timeout, a deadlock or a full disk. False after a statement timeout, which
    would recur. SQLite reports invalid statements as operational errors, too.
    """
    cause = error.__cause__
    if isinstance(cause, sqlite3.Error):
        return cause.sqlite_errorcode & PRIMARY_CODE_MASK in SQLITE_BUSY_CODES
    return isinstance(error, OperationalError) and not isinstance(cause, QueryCanceled)
