"""Run migrations without the time limits of ordinary statements, as a large table takes longer.

The lock timeout stays: a migration that does not get its lock fails, and can be run again.
"""

from typing import Any

from django.db import connections

LIMITS = ("statement_timeout", "idle_in_transaction_session_timeout")


def lift_time_limits(*, using: str, **kwargs: Any) -> None:
    """Lift the time limits before the first migration, on the connection that runs all of them."""
    change_limits(using, "SET {} = 0")


def restore_time_limits(*, using: str, **kwargs: Any) -> None:
    """Restore the connection's time limits after the last migration."""
    change_limits(using, "RESET {}")


def change_limits(using: str, statement: str) -> None:
    connection = connections[using]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for limit in LIMITS:
                cursor.execute(statement.format(limit))
