"""What people are told when the state of a connection turns; it joins the transaction of the turn."""

from datetime import datetime
from typing import Any

from connectors.registry import CONNECTORS
from hub.notices.notify import notify, resolve
from hub.words import reason_of

COUNTED = 10_000  # deliveries that wait; beyond that it reads "more than"


def turned(connection: Any, before: str, *, now: datetime) -> None:
    if connection.state == "needs_reconnect":
        tell(connection, "needs_reconnect", f"{why(connection)} What is sent to it meanwhile waits.", now=now)
    elif connection.state == "degraded":
        tell(connection, "degraded", f"It is used, but not all is well. {why(connection)}", now=now)
    elif before == "degraded":
        resolve("degraded", connection_id=connection.pk, now=now)
    elif before == "needs_reconnect":
        resolve("needs_reconnect", connection_id=connection.pk, now=now)
        if connection.state == "healthy":
            tell(connection, "works_again", waited(connection), now=now)


def calls_fail(connection: Any, *, now: datetime) -> None:
    """Once an hour at most: calls that fail by turns would otherwise make a notice each time."""
    since = f"{connection.state_changed_at:%Y-%m-%d %H:%M} UTC"
    last = f" The last answer: {connection.detail[:200]}." if connection.detail else ""
    sentence = f"{why(connection)} It is so since {since}.{last} What is not delivered yet is tried again."
    tell(connection, "degraded", sentence, now=now, about=f"{connection.pk}:calls:{now:%Y-%m-%dT%H}")


def calls_succeed(connection: Any, *, now: datetime) -> None:
    resolve("degraded", connection_id=connection.pk, now=now)


def tell(connection: Any, kind: str, sentence: str, *, now: datetime, about: str = "") -> None:
    notify(
        kind,
        f"“{connection}”: {sentence}",
        about=about or f"{connection.pk}:{now.isoformat()}",
        now=now,
        tenant_id=connection.tenant_id,
        connection_id=connection.pk,
        reason=connection.reason,
    )


def why(connection: Any) -> str:
    code = CONNECTORS.get(connection.connector_key)  # it may have been uninstalled
    return reason_of(connection.reason, system=code.label if code else connection.connector_key).sentence


def waited(connection: Any) -> str:
    waiting = connection.deliveries.filter(state="waiting")[: COUNTED + 1].count()
    if not waiting:
        return "it works again. Nothing waited."
    more = "more than " if waiting > COUNTED else ""
    verbs = "event waited and goes" if waiting == 1 else "events waited and go"
    return f"it works again: {more}{min(waiting, COUNTED):,} {verbs} out now."
