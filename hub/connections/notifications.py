"""Notices of state changes of a connection; they join the transaction of the change."""

from datetime import datetime
from typing import Any, Protocol

from connectors.registry import CONNECTORS
from hub.notices.notify import create_notice, resolve_notices
from hub.reason_codes import find_reason

COUNT_LIMIT = 10_000  # waiting deliveries; beyond that the notice says "more than"


class ConnectionState(Protocol):
    """The part of a Connection that notices need; the models import this module."""

    @property
    def pk(self) -> int: ...
    @property
    def tenant_id(self) -> int | None: ...
    @property
    def connector_key(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def detail(self) -> str: ...
    @property
    def state_changed_at(self) -> datetime: ...
    @property
    def deliveries(self) -> Any: ...  # the manager of a model of a layer above


def notify_state_change(connection: ConnectionState, before: str, *, now: datetime) -> None:
    if connection.state == "needs_reconnect":
        _notify_about_connection(
            connection,
            "needs_reconnect",
            f"{_describe_reason(connection)} What is sent to it meanwhile waits.",
            now=now,
        )
    elif connection.state == "degraded":
        _notify_about_connection(
            connection,
            "degraded",
            f"It is used, but not all is well. {_describe_reason(connection)}",
            now=now,
        )
    elif before == "degraded":
        resolve_notices("degraded", connection_id=connection.pk, now=now)
    elif before == "needs_reconnect":
        resolve_notices("needs_reconnect", connection_id=connection.pk, now=now)
        if connection.state == "healthy":
            _notify_about_connection(
                connection, "works_again", _describe_waiting_deliveries(connection), now=now
            )


def notify_calls_failing(connection: ConnectionState, *, now: datetime) -> None:
    """Create a notice, at most one an hour: calls may fail intermittently."""
    since = f"{connection.state_changed_at:%Y-%m-%d %H:%M} UTC"
    last = f" The last answer: {connection.detail[:200]}." if connection.detail else ""
    sentence = (
        f"{_describe_reason(connection)} It is so since {since}.{last}"
        " What is not delivered yet is tried again."
    )
    _notify_about_connection(
        connection, "degraded", sentence, now=now, about=f"{connection.pk}:calls:{now:%Y-%m-%dT%H}"
    )


def resolve_calls_failing(connection: ConnectionState, *, now: datetime) -> None:
    resolve_notices("degraded", connection_id=connection.pk, now=now)


def _notify_about_connection(
    connection: ConnectionState, kind: str, sentence: str, *, now: datetime, about: str = ""
) -> None:
    create_notice(
        kind,
        f"“{connection}”: {sentence}",
        about=about or f"{connection.pk}:{now.isoformat()}",
        now=now,
        tenant_id=connection.tenant_id,
        connection_id=connection.pk,
        reason=connection.reason,
    )


def _describe_reason(connection: ConnectionState) -> str:
    connector = CONNECTORS.get(connection.connector_key)  # it may have been uninstalled
    return find_reason(
        connection.reason, system=connector.label if connector else connection.connector_key
    ).sentence


def _describe_waiting_deliveries(connection: ConnectionState) -> str:
    waiting = connection.deliveries.filter(state="waiting")[: COUNT_LIMIT + 1].count()
    if not waiting:
        return "it works again. Nothing waited."
    more = "more than " if waiting > COUNT_LIMIT else ""
    verbs = "event waited and goes" if waiting == 1 else "events waited and go"
    return f"it works again: {more}{min(waiting, COUNT_LIMIT):,} {verbs} out now."
