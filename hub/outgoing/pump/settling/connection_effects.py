"""Effects of outcomes on connections: wait for a new token, need a reconnect, or disable."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from connectors.outcomes import Outcome
from hub.connections.models import Connection, Credential
from hub.crypto.redaction import redact_excerpt
from hub.db.state_machine import InvalidTransition
from hub.notices.notify import create_notice
from hub.outgoing.pump.types import MAX_DETAIL_LENGTH, LaneBatch, SendResult
from hub.queue import wake_up

CONNECTION_OUTCOMES = {"refresh", "reconnect", "disable"}  # kinds that concern the connection


def apply_connection_outcomes(send_results: Sequence[SendResult], *, now: datetime) -> None:
    """Change the state of connections, which holds their lanes."""
    for send_result in send_results:
        for outcome in send_result.distinct_outcomes():
            if outcome.kind in CONNECTION_OUTCOMES:
                _apply_connection_outcome(send_result.batch, outcome, now=now)


def _apply_connection_outcome(batch: LaneBatch, outcome: Outcome, *, now: datetime) -> None:
    """Change the connection's state, unless it changed meanwhile."""
    detail = redact_excerpt(outcome.detail, MAX_DETAIL_LENGTH, batch.secrets)
    connection = Connection.unscoped.select_related("credential").get(pk=batch.connection.pk)
    try:
        if outcome.kind == "refresh" and connection.connector.refreshes_tokens:
            if connection.credential.await_refresh(used=batch.credential_version, now=now):
                wake_up(f"refresh:{connection.pk}", now=now)
        else:
            _stop_connection(connection, outcome, detail, batch.credential_version, now=now)
    except InvalidTransition:
        return


@transaction.atomic
def _stop_connection(
    connection: Connection, outcome: Outcome, detail: str, used_version: int, *, now: datetime
) -> None:
    """Disable the connection or mark that it needs a reconnect.

    Nothing is changed if another credential was stored since the call, as the outcome belongs to
    the old one. Raises InvalidTransition if the state forbids it.
    """
    if not Credential.lock_if_unchanged(connection, used_version or None):
        return
    if outcome.kind == "disable":
        connection.disable(outcome.reason, detail, now=now)
        _notify_disabled(connection, now=now)
    else:
        connection.mark_needs_reconnect(outcome.reason, detail, now=now)


def _notify_disabled(connection: Connection, *, now: datetime) -> None:
    create_notice(
        "disabled",
        "disabled_by_endpoint",
        {"connection": str(connection)},
        occurrence=f"{connection.pk}:{now:%Y-%m-%dT%H:%M:%S}",
        now=now,
        tenant_id=connection.tenant_id,
        connection_id=connection.pk,
    )
