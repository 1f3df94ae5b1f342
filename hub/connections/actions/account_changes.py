"""What a system tells about the account itself: our app was removed, or its tokens were revoked."""

from contextlib import suppress
from datetime import datetime, timedelta

from hub.connections.models import Connection, Credential
from hub.db.state_machine import InvalidTransition

EVENT_TIME_PRECISION = timedelta(seconds=1)  # of the time of an event


def apply_account_change(
    connection: Connection, change: str, *, occurred_at: datetime, now: datetime
) -> None:
    """Mark a connection whose app was removed or whose tokens were revoked as needing a person.

    `change`: `uninstalled` or `tokens_revoked`, which is the reason. A disconnected connection
    stays as it is, and so does one whose credential was stored after the change: it was connected
    again since. Locks the connection; needs a transaction of the caller.
    """
    credential = Credential.lock(connection)
    if credential and credential.updated_at >= occurred_at + EVENT_TIME_PRECISION:
        return
    with suppress(InvalidTransition):
        connection.mark_needs_reconnect(change, now=now)
