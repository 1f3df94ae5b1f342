"""Undo a disconnect: test the stored credential, restore it, and continue."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from connectors.base import Grant
from connectors.oauth import OAuth
from connectors.outcomes import Outcome
from hub.audit import ActorContext
from hub.connections import token_lifetimes
from hub.connections.actions.connection_actions import NO_UNDO_TEXT, InvalidConnectionState
from hub.connections.connecting.connect import lock_active_tenant
from hub.connections.connecting.reconnect import replace_credential, wake_up_waiting_work
from hub.connections.credentials.account_probe import (
    PROBES_BUSY,
    ProbeResult,
    probe_credential,
)
from hub.connections.credentials.connector_context import build_credential, find_connector_app
from hub.connections.credentials.probe_checklist import describe_failed_probe
from hub.connections.credentials.provider_call import Call
from hub.connections.credentials.revocation_calls import request_new_grant
from hub.connections.credentials.revocation_schedule import TOKEN_COLUMNS, schedule_revocation
from hub.connections.models import Connection, Credential, Disconnection
from hub.connections.token_lifetimes import Random
from hub.crypto.sealed import CannotOpen, seal
from hub.problems import Refusal

UNDO_CLAIM = timedelta(seconds=60)  # longer than the calls of an undo take
BUSY_SECONDS = 10  # after which a test may be possible that was not made
UNREADABLE = "credential_unreadable"
OTHER_ACCOUNT = "other_account"


class UndoRefused(Refusal):
    """The test of the stored credential failed, or could not be made now."""

    def __init__(self, probe_result: ProbeResult) -> None:
        text = _("The disconnect has not been undone, as the test failed: %(why)s")
        super().__init__(text % {"why": describe_failed_probe(probe_result)})
        if probe_result.reason == PROBES_BUSY:
            self.code, self.wait = "overloaded", BUSY_SECONDS


@dataclass(frozen=True, slots=True)
class _ClaimedUndo:
    """An undo in progress: the claimed disconnect, and when the claim ends."""

    connection: Connection
    disconnection: Disconnection
    claimed_until: datetime

    def query_claimed(self) -> Any:
        """Return a queryset of the disconnect; empty if it was revoked, or is undone already."""
        return Disconnection.unscoped.filter(
            pk=self.disconnection.pk,
            public_id=self.disconnection.public_id,
            claimed_until=self.claimed_until,
        )


def undo_disconnect(
    connection: Connection, actor: ActorContext, *, call: Call, random: Random, now: datetime
) -> ProbeResult:
    """Restore the account if its credential passes the test; otherwise nothing is changed.

    The connection gets its credential and its former state, its webhooks are registered again, and
    held deliveries are sent. An expired access token is refreshed first. Calls the external system,
    so no transaction may be open. Raises InvalidConnectionState if the disconnect cannot be undone
    (any more) or another undo is in progress, TenantSuspended if the tenant is suspended.
    """
    undo = _claim_undo(connection, now=now)
    probe_result = _test_kept_credential(undo, call, random=random, now=now)
    if probe_result.passed:
        _restore_account(undo, actor, now=now)
    else:
        undo.query_claimed().update(claimed_until=None)
    return probe_result


def undo_or_refuse(
    connection: Connection, actor: ActorContext, *, call: Call, random: Random, now: datetime
) -> None:
    """Undo a disconnect. Raises UndoRefused if the credential does not pass the test."""
    probe_result = undo_disconnect(connection, actor, call=call, random=random, now=now)
    if not probe_result.passed:
        raise UndoRefused(probe_result)


def _claim_undo(connection: Connection, *, now: datetime) -> _ClaimedUndo:
    rows = Disconnection.unscoped.filter(connection=connection, revoke_at__gt=now)
    is_free = Q(claimed_until=None) | Q(claimed_until__lt=now)
    claimed_until = now + UNDO_CLAIM
    if not connection.is_disconnected or not rows.filter(is_free).update(
        claimed_until=claimed_until
    ):
        raise InvalidConnectionState(connection, NO_UNDO_TEXT)
    disconnection = rows.filter(claimed_until=claimed_until).first()
    if disconnection is None:
        raise InvalidConnectionState(connection, NO_UNDO_TEXT)
    return _ClaimedUndo(connection, disconnection, claimed_until)


@sensitive_variables()
def _test_kept_credential(
    undo: _ClaimedUndo, call: Call, *, random: Random, now: datetime
) -> ProbeResult:
    """Test the stored credential; refresh its access token once if it has expired."""
    try:
        probe_result = _probe(undo, call, now=now)
        if probe_result.kind != "refresh":
            return probe_result
        answer = _refresh_kept_credential(undo, call, random=random, now=now)
        if isinstance(answer, Outcome):
            return ProbeResult(None, answer.kind, answer.reason, answer.detail or answer.reason)
        return _probe(undo, call, now=now)
    except CannotOpen as error:
        return ProbeResult(None, "never", UNREADABLE, str(error))


@sensitive_variables()
def _probe(undo: _ClaimedUndo, call: Call, *, now: datetime) -> ProbeResult:
    """Test the credential document; fail unless it belongs to the disconnected account."""
    document = undo.disconnection.open()
    draft = _draft_connection(undo, document["settings"])
    probe_result = probe_credential(draft, document["secret"], call=call, now=now)
    account_id = probe_result.account.id if probe_result.account else ""
    if account_id and undo.disconnection.account and account_id != undo.disconnection.account:
        return ProbeResult(None, "never", OTHER_ACCOUNT, account_id)
    return probe_result


@sensitive_variables()
def _refresh_kept_credential(
    undo: _ClaimedUndo, call: Call, *, random: Random, now: datetime
) -> Grant | Outcome:
    """Request new tokens and store them at once, as the refresh token may be used up."""
    document, app = undo.disconnection.open(), find_connector_app(undo.connection.connector_key)
    draft = _draft_connection(undo, document["settings"])
    credential = build_credential(draft, app, document["secret"])
    assert isinstance(draft.connector, OAuth), "only its tokens expire"
    with ExitStack() as deferred_updates:
        answer = request_new_grant(
            draft,
            credential,
            app.open() if app else {},
            call=call,
            now=now,
            deferred_updates=deferred_updates,
        )
        if isinstance(answer, Grant):
            _store_grant(undo, document, answer, random=random, now=now)
    return answer


@sensitive_variables()
def _store_grant(
    undo: _ClaimedUndo, document: Mapping[str, Any], grant: Grant, *, random: Random, now: datetime
) -> None:
    """Store new tokens with the disconnect; if it has ended meanwhile, revoke them.

    Raises InvalidConnectionState in that case.
    """
    disconnection = undo.disconnection
    secret = {**document["secret"], **grant.secret}
    settings = {**document["settings"], **grant.settings}
    disconnection.sealed = seal({"secret": secret, "settings": settings}, disconnection.binding)
    columns = token_lifetimes.build_fresh_columns(
        disconnection.connection.connector, grant, now=now, random=random
    )
    for name in TOKEN_COLUMNS:
        setattr(disconnection, name, columns[name])
    rows = Disconnection.unscoped.filter(pk=disconnection.pk, public_id=disconnection.public_id)
    values = {name: columns[name] for name in TOKEN_COLUMNS}
    if rows.update(sealed=disconnection.sealed, **values):
        return
    _revoke_late_grant(undo, secret, settings, now=now)
    raise InvalidConnectionState(undo.connection, NO_UNDO_TEXT)


@transaction.atomic
@sensitive_variables()
def _revoke_late_grant(
    undo: _ClaimedUndo, secret: Mapping[str, Any], settings: Mapping[str, Any], *, now: datetime
) -> None:
    connection = undo.connection
    if connection.tenant:
        schedule_revocation(
            connection.tenant,
            connection.connector_key,
            secret,
            settings=settings,
            account=undo.disconnection.account,
            connection=connection,
            now=now,
        )


def _draft_connection(undo: _ClaimedUndo, settings: Mapping[str, Any]) -> Connection:
    """Build the unsaved connection as it was, as a disconnected connection may not be called."""
    return Connection(
        tenant_id=undo.connection.tenant_id,
        connector_key=undo.connection.connector_key,
        account=undo.disconnection.account,
        settings=dict(settings),
    )


@transaction.atomic
@sensitive_variables()
def _restore_account(undo: _ClaimedUndo, actor: ActorContext, *, now: datetime) -> None:
    """Restore the tested credential and the state before the disconnect.

    Raises TenantSuspended, and InvalidConnectionState if the credential was revoked or the account
    connected again during the test.
    """
    connection, disconnection = undo.connection, undo.disconnection
    lock_active_tenant(connection)
    Credential.lock(connection)
    document = disconnection.open()
    if not connection.is_disconnected or not undo.query_claimed().delete()[0]:
        raise InvalidConnectionState(connection, NO_UNDO_TEXT)
    columns = {name: getattr(disconnection, name) for name in TOKEN_COLUMNS}
    lifetimes = {**columns, **token_lifetimes.CLEARED_REFRESH_STATE, "refusals": 0}
    lifetimes["refresh_due_at"] = disconnection.refresh_due_at
    replace_credential(connection, document["secret"], lifetimes, "restored", now=now)
    connection.settings = {**connection.settings, **document["settings"]}
    connection.changed_at = connection.checked_at = now
    connection.save(update_fields=["settings", "changed_at", "checked_at"])
    _restore_state(connection, disconnection, now=now)
    wake_up_waiting_work(connection, now=now)
    after = {"state": connection.state, "account": connection.account}
    actor.audit(
        "connection.undo_disconnect", connection, tenant=connection.tenant, after=after, now=now
    )


def _restore_state(connection: Connection, disconnection: Disconnection, *, now: datetime) -> None:
    """Restore the state before the disconnect: paused, disabled, or *healthy* after the test."""
    connection.mark_healthy(now=now)
    if disconnection.state == "paused" and (
        disconnection.paused_until is None or disconnection.paused_until > now
    ):
        connection.pause(disconnection.detail, until=disconnection.paused_until, now=now)
    elif disconnection.state == "disabled":
        connection.disable(disconnection.reason, disconnection.detail, now=now)
