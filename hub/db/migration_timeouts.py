"""Migrations run without the time limits of ordinary statements: a large table takes longer than those allow.

The limit on waiting for a lock stays: a migration that does not get its lock fails, and can be run again.
"""

from typing import Any

from django.db import connections

LIMITS = ("statement_timeout", "idle_in_transaction_session_timeout")


def lift_time_limits(*, using: str, **kwargs: Any) -> None:
    """Before the first migration, on the connection that will run them all."""
    change_limits(using, "SET {} = 0")


def restore_time_limits(*, using: str, **kwargs: Any) -> None:
    """After the last one: back to what the connection began with."""
    change_limits(using, "RESET {}")


def change_limits(using: str, statement: str) -> None:
    connection = connections[using]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for limit in LIMITS:
                cursor.execute(statement.format(limit))
