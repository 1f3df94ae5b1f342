"""The database part of one call of a run: check, build and reserve before it, record after it.

These functions run on the database thread, each in its own short transactions.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from connectors.http import Request, Response
from connectors.outcomes import Outcome, never
from hub.connections.credentials.connector_context import (
    collect_secrets,
    find_connector_app,
    open_credential,
    redact_outcome,
)
from hub.connections.models import Connection
from hub.crypto.sealed import CannotOpen
from hub.queue import wake_up
from hub.scheduled.runs.calls.call_quotas import QuotaSpent, ReservedCall, reserve_call
from hub.scheduled.runs.run_connections import (
    ConnectionBlocked,
    check_connection,
    is_refreshing,
    load_connection,
    stop_connection,
)

REFRESH_POLL = timedelta(seconds=0.5)  # until the next look for a new access token
CREDENTIAL_UNREADABLE = "credential_unreadable"

BuildRequest = Callable[[Connection], Request]


@dataclass(frozen=True, slots=True)
class NotYet:
    """No call is possible before `until`; `reason` says why."""

    until: datetime
    reason: str


def prepare_call(
    connection: Connection, build: BuildRequest, *, group: str, lease: UUID, now: datetime
) -> ReservedCall | NotYet | Outcome:
    """Build a request with the currently stored credential, and reserve its quotas.

    Returns an Outcome if the request cannot be built. Raises ConnectionBlocked if a person must act
    first, and RunFailed if the connection is stopped temporarily.
    """
    stored = load_connection(connection)
    check_connection(stored)
    if is_refreshing(stored):
        return NotYet(now + REFRESH_POLL, "refreshing")
    try:
        request = build(stored)
    except CannotOpen as error:
        raise ConnectionBlocked(CREDENTIAL_UNREADABLE, str(error), connection=stored) from error
    except (KeyError, TypeError, ValueError) as error:
        return never("incomplete", f"a value is missing or invalid: {error}")
    try:
        return reserve_call(stored, request, group=group, lease=lease, now=now)
    except QuotaSpent as spent:
        return NotYet(spent.until, "throttled")


@sensitive_variables()
def record_answer(
    call: ReservedCall, response: Response | None, answer: object, *, now: datetime
) -> object:
    """Release the slots of a call, and apply the effects of its result on quotas and credential.

    `response`: None if there was none. Returns the result; an Outcome without secrets.
    """
    call.end()
    if response is not None:
        call.record_response(response, answer, now=now)
    if not isinstance(answer, Outcome):
        return answer
    secrets = read_secrets(call.connection)
    if answer.kind in ("refresh", "reconnect", "disable"):
        with transaction.atomic():
            apply_authorization_outcome(call.connection, answer, secrets, now=now)
    return redact_outcome(answer, secrets)


def apply_authorization_outcome(
    connection: Connection, outcome: Outcome, secrets: tuple[str, ...], *, now: datetime
) -> None:
    """Request a new access token, or record that a person must reconnect the account."""
    if outcome.kind == "refresh" and connection.connector.refreshes_tokens:
        credential = connection.credential
        if credential.await_refresh(used=credential.version, now=now):
            wake_up(f"refresh:{connection.pk}", now=now)
    else:
        stop_connection(connection, outcome, secrets, now=now)


@sensitive_variables()
def read_secrets(connection: Connection) -> tuple[str, ...]:
    """Return the secrets of a connection, which must be removed from all texts."""
    try:
        app = find_connector_app(connection.connector_key)
        return collect_secrets(open_credential(connection, app))
    except CannotOpen:
        return ()
