"""Attempt scheduled revocations in a task, with retries; create a notice if all fail."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Protocol

from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from connectors import schema as connector_schema
from connectors.base import Grant
from connectors.outcomes import Outcome, never
from connectors.registry import CONNECTORS
from hub.audit import ActorContext
from hub.connections.credentials.connector_context import (
    find_connector_app,
)
from hub.connections.credentials.provider_call import (
    NO_PATIENCE,
    Call,
    Patience,
    TimeSlice,
    TimeSliceEnded,
)
from hub.connections.credentials.revocation_calls import (
    REFRESHED,
    REJECTED,
    TOKEN,
    open_revocation,
    refresh_for_revocation,
    revoke_at_provider,
)
from hub.connections.credentials.revocation_schedule import extract_tokens, is_grant_in_use
from hub.connections.models import (
    Connection,
    Credential,
    CredentialEvent,
    Revocation,
)
from hub.crypto.sealed import CannotOpen, seal
from hub.db.clock import Clock
from hub.hooks import Hook
from hub.notices.notify import create_notice
from hub.queue import wake_up

UNREGISTER_WAIT = timedelta(seconds=20)  # between two attempts to remove our webhooks
REVOCATION_CLAIM = timedelta(seconds=60)
# of a revocation's sealed document: how far it came in earlier time slices of its attempt
PROGRESS, IS_REMOVED = "progress", "is_removed"
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=6)
REVOCATION_ATTEMPTS_MAX = 12  # about two days


class WebhookRemover(Protocol):
    """Removes our webhooks of an account before its authorization is revoked.

    Returns the Outcome of a call that failed. Raises CannotOpen, LookupError and TimeSliceEnded.
    """

    def __call__(
        self,
        connection: Connection,
        credential: connector_schema.Credential,
        since: datetime,
        *,
        account: str,
        call: Call,
        time_slice: TimeSlice,
        patience: Patience,
        progress: dict[str, Any],
    ) -> Outcome | None: ...


UNREGISTER_WEBHOOKS: Hook[WebhookRemover] = Hook()


def attempt_revocation(
    revocation: Revocation, *, call: Call, clock: Clock, patience: Patience = NO_PATIENCE
) -> bool:
    """Attempt the revocation once; return whether it is finished or claimed by another task.

    Our webhooks at the system are removed first. `patience`: how long these calls may wait for
    spent quotas. After a time slice the task is woken again, and continues; that is no further
    attempt. Calls the external system, so no transaction may be open.
    """
    now, time_slice = clock(), TimeSlice.begin(clock)
    due = Revocation.unscoped.filter(pk=revocation.pk, due_at__lte=now)
    if not due.update(due_at=now + REVOCATION_CLAIM, attempt_count=revocation.attempt_count + 1):
        return True
    if _is_needed_again(revocation):
        _finish_revocation(revocation, never("needed_again"), now=now)
        return True
    progress = _load_progress(revocation)
    try:
        return _attempt_in_slice(revocation, call, patience, time_slice, progress)
    except TimeSliceEnded:
        now = clock()
        _end_attempt(revocation, progress, due_at=now, attempt_count=revocation.attempt_count)
        wake_up(f"revoke:{revocation.pk}", now=now)
        return False


@sensitive_variables()
def _load_progress(revocation: Revocation) -> dict[str, Any]:
    with suppress(CannotOpen):
        return dict(revocation.open().get(PROGRESS, {}))
    return {}


def _attempt_in_slice(
    revocation: Revocation,
    call: Call,
    patience: Patience,
    time_slice: TimeSlice,
    progress: dict[str, Any],
) -> bool:
    """Remove our webhooks, then revoke; return whether that is finished. Raises TimeSliceEnded."""
    now = time_slice.clock()
    if not progress.get(IS_REMOVED):
        if not _unregister_webhooks(revocation, call, patience, time_slice, progress):
            count = revocation.attempt_count
            _end_attempt(revocation, {}, due_at=now + UNREGISTER_WAIT, attempt_count=count)
            return False
        progress.clear()
        progress[IS_REMOVED] = True
    outcome = revoke_at_provider(revocation, call, time_slice, progress)
    if outcome.kind != "delivered" and revocation.attempt_count + 1 < REVOCATION_ATTEMPTS_MAX:
        wait = min(FIRST_WAIT * 2**revocation.attempt_count, LONGEST_WAIT)
        _end_attempt(revocation, {}, due_at=now + wait)
        return False
    _finish_revocation(revocation, outcome, now=now)
    return True


@sensitive_variables()
def _end_attempt(revocation: Revocation, progress: Mapping[str, Any], **columns: Any) -> None:
    """Store when the next attempt is due, and what it continues: {} begins anew."""
    with suppress(CannotOpen):
        document = {**revocation.open(), PROGRESS: dict(progress)}
        columns["sealed"] = seal(document, revocation.binding)
    Revocation.unscoped.filter(pk=revocation.pk).update(**columns)


@sensitive_variables()
def _unregister_webhooks(
    revocation: Revocation,
    call: Call,
    patience: Patience,
    time_slice: TimeSlice,
    progress: dict[str, Any],
) -> bool:
    """Remove our webhooks, which needs the tokens; return whether the tokens may be revoked now.

    An expired access token is refreshed once. Raises TimeSliceEnded.
    """
    connection = revocation.connection
    if connection is None:
        return True
    try:
        if progress.get(TOKEN) != REJECTED:
            outcome = _try_to_unregister(
                revocation, connection, call, patience, time_slice, progress
            )
            if outcome is None or outcome.kind != "refresh" or progress.get(TOKEN) == REFRESHED:
                return outcome is None
            progress[TOKEN] = REJECTED
        app = find_connector_app(revocation.connector_key)
        if not isinstance(refresh_for_revocation(revocation, app, call, time_slice), Grant):
            return False
        progress[TOKEN] = REFRESHED
        outcome = _try_to_unregister(revocation, connection, call, patience, time_slice, progress)
        return outcome is None
    except (CannotOpen, LookupError):
        return True


@sensitive_variables()
def _try_to_unregister(
    revocation: Revocation,
    connection: Connection,
    call: Call,
    patience: Patience,
    time_slice: TimeSlice,
    progress: dict[str, Any],
) -> Outcome | None:
    """Remove our webhooks. Raises CannotOpen, LookupError and TimeSliceEnded."""
    app = find_connector_app(revocation.connector_key)
    _draft, credential, _client = open_revocation(revocation, app)
    return UNREGISTER_WEBHOOKS.function(
        connection,
        credential,
        revocation.created_at,
        account=revocation.account,
        call=call,
        time_slice=time_slice,
        patience=patience,
        progress=progress,
    )


@sensitive_variables()
def _is_needed_again(revocation: Revocation) -> bool:
    """Return whether a connection uses this token again, or another token of the same grant."""
    if is_grant_in_use(revocation.connector_key, revocation.account, None):
        return True
    connection = revocation.connection
    if connection is None or not _is_reconnected(revocation):
        return False
    if not CONNECTORS[revocation.connector_key].has_separate_grants:
        return True
    with suppress(CannotOpen, Credential.DoesNotExist):
        return bool(
            extract_tokens(revocation.open()["secret"])
            & extract_tokens(connection.credential.open(connection))
        )
    return False


def _is_reconnected(revocation: Revocation) -> bool:
    """Return whether the connection has a new authorization of the same account."""
    connection = revocation.connection
    return bool(
        connection and not connection.is_disconnected and connection.account == revocation.account
    )


@transaction.atomic
def _finish_revocation(revocation: Revocation, outcome: Outcome, *, now: datetime) -> None:
    _report_revocation(revocation, outcome, now=now)
    revocation.delete()


def _report_revocation(revocation: Revocation, outcome: Outcome, *, now: datetime) -> None:
    """Audit the result; create a notice if it failed, as only a person can remove our app then.

    There is no notice if the account is connected again: removing our app would end that
    connection.
    """
    label = CONNECTORS[revocation.connector_key].label
    if outcome.kind != "delivered" and not _is_reconnected(revocation):
        create_notice(
            "not_revoked",
            "not_revoked" if revocation.account else "account_not_revoked",
            {"system": label, "account": revocation.account},
            occurrence=str(revocation.public_id),
            now=now,
            tenant_id=revocation.tenant_id,
            connection_id=revocation.connection_id,
        )
    if revocation.connection and not _is_reconnected(revocation):
        kind = "given_back" if outcome.kind == "delivered" else "not_given_back"
        version = Credential.unscoped.values_list("version", flat=True).get(
            connection=revocation.connection
        )
        CredentialEvent.record_event(
            revocation.connection, kind, outcome.detail or outcome.reason, version=version, now=now
        )
    after = {
        "account": revocation.account,
        "revoked": outcome.kind == "delivered",
        "attempt_count": revocation.attempt_count + 1,
    }
    ActorContext.system().audit(
        "connection.revoke",
        revocation.connection or revocation,
        tenant=revocation.tenant,
        after=after,
        reason=outcome.reason,
        now=now,
    )
