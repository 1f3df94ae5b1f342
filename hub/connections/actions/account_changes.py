"""Apply changes of the account that a system reports: our app was removed, tokens were revoked."""

from contextlib import suppress
from datetime import datetime, timedelta

from hub.connections.models import Connection, Credential
from hub.db.state_machine import InvalidTransition

EVENT_TIME_PRECISION = timedelta(seconds=1)  # of the time of an event


def apply_account_change(
    connection: Connection, change: str, *, occurred_at: datetime, now: datetime
) -> None:
    """Mark a connection whose app was removed or whose tokens were revoked as needs_reconnect.

    `change` is `uninstalled` or `tokens_revoked`, and becomes the reason. A disconnected connection
    is not changed, nor one whose credential was stored after the change, as it was reconnected
    since. Locks the connection; must be called in a transaction.
    """
    credential = Credential.lock(connection)
    if credential and credential.updated_at >= occurred_at + EVENT_TIME_PRECISION:
        return
    with suppress(InvalidTransition):
        connection.mark_needs_reconnect(change, now=now)
