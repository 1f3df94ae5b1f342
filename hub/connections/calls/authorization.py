"""Effects of outcomes on connections: wait for a new token, need a reconnect, or disable."""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from connectors.outcomes import Outcome
from hub.connections.models import Connection, Credential
from hub.crypto.redaction import redact_excerpt
from hub.db.state_machine import InvalidTransition
from hub.notices.notify import create_notice
from hub.queue import wake_up

CONNECTION_OUTCOMES = {"refresh", "reconnect", "disable"}  # kinds that concern the connection
DETAIL_LENGTH_MAX = 500  # characters


@sensitive_variables()
def apply_connection_outcome(
    connection_id: int,
    outcome: Outcome,
    *,
    used_version: int,
    secrets: Collection[str],
    now: datetime,
) -> None:
    """Change the state of a connection, which holds its lane.

    Nothing is changed if it changed meanwhile, or if another credential was stored since the call,
    as the outcome belongs to the old one. `used_version`: of the credential; 0: there is none.
    """
    detail = redact_excerpt(outcome.detail, DETAIL_LENGTH_MAX, secrets)
    connection = Connection.unscoped.select_related("credential").get(pk=connection_id)
    try:
        if outcome.kind == "refresh" and connection.connector.refreshes_tokens:
            if connection.credential.await_refresh(used=used_version, now=now):
                wake_up(f"refresh:{connection.pk}", now=now)
        else:
            _stop_connection(connection, outcome, detail, used_version, now=now)
    except InvalidTransition:
        return


@transaction.atomic
def _stop_connection(
    connection: Connection, outcome: Outcome, detail: str, used_version: int, *, now: datetime
) -> None:
    """Disable the connection or mark that it needs a reconnect. Raises InvalidTransition."""
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
