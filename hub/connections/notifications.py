"""Notices of state changes of a connection; they join the transaction of the change."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from connectors.registry import find_connector_label
from hub.notices.notify import create_notice, resolve_notices

COUNT_LIMIT = 10_000  # waiting deliveries; beyond that the notice says "more than"
MAX_ANSWER_LENGTH = 200  # characters of the last answer


class ConnectionState(Protocol):
    """The attributes of a Connection that notices need; models import this module."""

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
    if connection.state in ("needs_reconnect", "degraded"):
        _notify_about_connection(connection, connection.state, connection.state, now=now)
    elif before in ("needs_reconnect", "degraded"):
        resolve_notices(before, connection_id=connection.pk, now=now)
        if before == "needs_reconnect" and connection.state == "healthy":
            _notify_works_again(connection, now=now)


def notify_calls_failing(connection: ConnectionState, *, now: datetime) -> None:
    """Create a notice, at most one an hour, as calls may fail intermittently."""
    _notify_about_connection(
        connection,
        "degraded",
        "calls_failing_with_answer" if connection.detail else "calls_failing",
        {
            "since": f"{connection.state_changed_at:%Y-%m-%d %H:%M} UTC",
            "answer": connection.detail[:MAX_ANSWER_LENGTH],
        },
        now=now,
        occurrence=f"{connection.pk}:calls:{now:%Y-%m-%dT%H}",
    )


def resolve_calls_failing(connection: ConnectionState, *, now: datetime) -> None:
    resolve_notices("degraded", connection_id=connection.pk, now=now)


def _notify_works_again(connection: ConnectionState, *, now: datetime) -> None:
    count = connection.deliveries.filter(state="waiting")[: COUNT_LIMIT + 1].count()
    message = "works_again" if count else "works_again_idle"
    if count > COUNT_LIMIT:
        message, count = "works_again_many", COUNT_LIMIT
    _notify_about_connection(connection, "works_again", message, {"count": count}, now=now)


def _notify_about_connection(
    connection: ConnectionState,
    kind: str,
    message: str,
    parameters: Mapping[str, str | int] | None = None,
    *,
    now: datetime,
    occurrence: str = "",
) -> None:
    system = find_connector_label(connection.connector_key)
    create_notice(
        kind,
        message,
        {"connection": str(connection), "system": system, **(parameters or {})},
        occurrence=occurrence or f"{connection.pk}:{now.isoformat()}",
        now=now,
        tenant_id=connection.tenant_id,
        connection_id=connection.pk,
        reason=connection.reason,
    )
