"""What a system tells about the account itself: our app was removed, or its tokens were revoked."""

from contextlib import suppress
from datetime import datetime

from hub.connections.models import Connection
from hub.db.state_machine import InvalidTransition


def apply_account_change(connection: Connection, change: str, *, now: datetime) -> None:
    """Mark a connection whose app was removed or whose tokens were revoked as needing a person.

    `change`: `uninstalled` or `tokens_revoked`, which is the reason. A disconnected connection
    stays as it is. Needs a transaction of the caller.
    """
    with suppress(InvalidTransition):
        connection.mark_needs_reconnect(change, now=now)
