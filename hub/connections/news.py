"""What people are told when the state of a connection turns; it joins the transaction of the turn."""

from datetime import datetime
from typing import Any

from hub.notices.notify import notify, resolve
from hub.words import reason_of

COUNTED = 10_000  # deliveries that wait; beyond that it reads "more than"


def turned(connection: Any, before: str, *, now: datetime) -> None:
    if connection.state == "needs_reconnect":
        tell(connection, "needs_reconnect", f"{why(connection)} What is sent to it meanwhile waits.", now=now)
    elif connection.state == "degraded":
        tell(connection, "degraded", f"It is used, but not all is well. {why(connection)}", now=now)
    elif before == "needs_reconnect":
        resolve("needs_reconnect", connection_id=connection.pk, now=now)
        if connection.state == "healthy":
            tell(connection, "works_again", waited(connection), now=now)


def tell(connection: Any, kind: str, sentence: str, *, now: datetime) -> None:
    notify(
        kind,
        f"“{connection}”: {sentence}",
        about=f"{connection.pk}:{now.isoformat()}",
        now=now,
        tenant_id=connection.tenant_id,
        connection_id=connection.pk,
        reason=connection.reason,
    )


def why(connection: Any) -> str:
    return reason_of(connection.reason, system=connection.code.label).sentence


def waited(connection: Any) -> str:
    waiting = connection.deliveries.filter(state="waiting")[: COUNTED + 1].count()
    if not waiting:
        return "it works again. Nothing waited."
    more = "more than " if waiting > COUNTED else ""
    verbs = "event waited and goes" if waiting == 1 else "events waited and go"
    return f"it works again: {more}{min(waiting, COUNTED):,} {verbs} out now."
