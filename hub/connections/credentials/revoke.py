"""Attempt scheduled revocations in a task, with retries; create a notice if all fail."""

from collections.abc import Mapping
from contextlib import ExitStack, suppress
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string
from django.views.decorators.debug import sensitive_variables

from connectors import schema
from connectors.base import Grant
from connectors.oauth import OAuth
from connectors.outcomes import Outcome, delivered, later, never
from connectors.registry import CONNECTORS
from hub.audit import ActorContext
from hub.connections.credentials.connector_context import (
    build_credential,
    collect_secrets,
    find_connector_app,
    iterate_texts,
)
from hub.connections.credentials.provider_call import NO_PATIENCE, Call, Patience, call_provider
from hub.connections.credentials.revocation_schedule import extract_tokens, is_grant_in_use
from hub.connections.models import (
    Connection,
    ConnectorApp,
    Credential,
    CredentialEvent,
    Revocation,
)
from hub.crypto.sealed import CannotOpen, seal
from hub.db.clock import Clock
from hub.notices.notify import create_notice

UNREGISTER_WAIT = timedelta(seconds=20)  # between two attempts to remove our webhooks
REVOCATION_CLAIM = timedelta(seconds=60)
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=6)
REVOCATION_ATTEMPTS_MAX = 12  # about two days
# reasons that do not show whether the grant ended
INCONCLUSIVE_REASONS = {"other_account", "no_access_token"}


def attempt_revocation(
    revocation: Revocation, *, call: Call, clock: Clock, patience: Patience = NO_PATIENCE
) -> bool:
    """Attempt the revocation once; return whether it is finished or claimed by another task.

    Our webhooks at the system are removed first. `patience`: how long these calls may wait for
    spent quotas. Calls the external system, so no transaction may be open.
    """
    now = clock()
    due = Revocation.unscoped.filter(pk=revocation.pk, due_at__lte=now)
    if not due.update(due_at=now + REVOCATION_CLAIM, attempt_count=revocation.attempt_count + 1):
        return True
    if _is_needed_again(revocation):
        _finish_revocation(revocation, never("needed_again"), now=now)
        return True
    if not _unregister_webhooks(revocation, call, patience, clock=clock):
        Revocation.unscoped.filter(pk=revocation.pk).update(
            due_at=now + UNREGISTER_WAIT, attempt_count=revocation.attempt_count
        )
        return False
    outcome = _revoke_at_provider(revocation, call, now=now)
    if outcome.kind != "delivered" and revocation.attempt_count + 1 < REVOCATION_ATTEMPTS_MAX:
        wait = min(FIRST_WAIT * 2**revocation.attempt_count, LONGEST_WAIT)
        Revocation.unscoped.filter(pk=revocation.pk).update(due_at=now + wait)
        return False
    _finish_revocation(revocation, outcome, now=now)
    return True


@sensitive_variables()
def _unregister_webhooks(
    revocation: Revocation, call: Call, patience: Patience, *, clock: Clock
) -> bool:
    """Remove our webhooks, which needs the tokens; return whether the tokens may be revoked now.

    An expired access token is refreshed once.
    """
    if revocation.connection is None:
        return True
    try:
        outcome = _try_to_unregister(revocation, call, patience, clock=clock)
        if outcome is not None and outcome.kind == "refresh":
            app = find_connector_app(revocation.connector_key)
            if isinstance(_refresh_for_revocation(revocation, app, call, now=clock()), Grant):
                outcome = _try_to_unregister(revocation, call, patience, clock=clock)
    except (CannotOpen, LookupError):
        return True
    return outcome is None


@sensitive_variables()
def _try_to_unregister(
    revocation: Revocation, call: Call, patience: Patience, *, clock: Clock
) -> Outcome | None:
    """Call HUB_UNREGISTER_WEBHOOKS. Raises CannotOpen and LookupError."""
    unregister = import_string(settings.HUB_UNREGISTER_WEBHOOKS)
    app = find_connector_app(revocation.connector_key)
    _draft, credential, _client = _open_revocation(revocation, app)
    outcome: Outcome | None = unregister(
        revocation.connection,
        credential,
        revocation.created_at,
        account=revocation.account,
        call=call,
        clock=clock,
        patience=patience,
    )
    return outcome


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


@sensitive_variables()
def _revoke_at_provider(revocation: Revocation, call: Call, *, now: datetime) -> Outcome:
    """Revoke the tokens; if the access token has expired, refresh it first."""
    app = find_connector_app(revocation.connector_key)
    try:
        outcome = _send_revoke_request(revocation, app, call, now=now)
        if outcome.kind != "refresh":
            return outcome
        if not revocation.open()["secret"].get("refresh_token"):
            return delivered()  # neither token is valid any more
        grant = _refresh_for_revocation(revocation, app, call, now=now)
        if isinstance(grant, Outcome):
            is_ended = grant.kind == "reconnect" and grant.reason not in INCONCLUSIVE_REASONS
            return delivered() if is_ended else later("not_revoked", grant.detail or grant.reason)
        again = _send_revoke_request(revocation, app, call, now=now)
        return (
            later("not_revoked", again.detail or again.reason) if again.kind == "refresh" else again
        )
    except (CannotOpen, LookupError) as error:
        return later("not_revoked", type(error).__name__)


@sensitive_variables()
def _send_revoke_request(
    revocation: Revocation, app: ConnectorApp | None, call: Call, *, now: datetime
) -> Outcome:
    connection, credential, client = _open_revocation(revocation, app)
    connector = _get_oauth_connector(revocation)
    return call_provider(
        connection,
        partial(connector.revoke_request, client, credential),
        connector.parse_revoke,
        call=call,
        now=now,
        secrets=[*collect_secrets(credential), *iterate_texts(client)],
        build_unreadable=later,
    )


@sensitive_variables()
def _refresh_for_revocation(
    revocation: Revocation, app: ConnectorApp | None, call: Call, *, now: datetime
) -> Grant | Outcome:
    """Refresh the access token for the revocation, and store the grant in it.

    The refresh token may be used up by the request.
    """
    connection, credential, client = _open_revocation(revocation, app)
    with ExitStack() as deferred_updates:
        answer = request_new_grant(
            connection, credential, client, call=call, now=now, deferred_updates=deferred_updates
        )
        if isinstance(answer, Grant):
            document = {**revocation.open(), "secret": dict(answer.secret)}
            revocation.sealed = seal(document, revocation.binding)
            revocation.save(update_fields=["sealed"])
    return answer


@sensitive_variables()
def request_new_grant(
    connection: Connection,
    credential: schema.Credential,
    client: Mapping[str, str],
    *,
    call: Call,
    now: datetime,
    deferred_updates: ExitStack,
) -> Grant | Outcome:
    """Request new tokens for a credential that belongs to no connection; the caller stores them.

    `client`: our client id and secret. `deferred_updates`: closed once the tokens are stored.
    """
    return call_provider(
        connection,
        partial(connection.connector.refresh_request, client, credential),
        lambda response: connection.connector.parse_refresh(response, credential),
        call=call,
        now=now,
        secrets=[*collect_secrets(credential), *iterate_texts(client)],
        build_unreadable=later,
        deferred_updates=deferred_updates,
    )


def _get_oauth_connector(revocation: Revocation) -> OAuth:
    """Return the connector. Raises LookupError if it is not installed or has no OAuth."""
    connector = CONNECTORS[revocation.connector_key]
    if not isinstance(connector, OAuth):
        raise LookupError(f"{revocation.connector_key} has no OAuth")
    return connector


@sensitive_variables()
def _open_revocation(
    revocation: Revocation, app: ConnectorApp | None
) -> tuple[Connection, schema.Credential, Mapping[str, str]]:
    """Return an unsaved connection with these tokens, its credential, and our client id and secret.

    Raises CannotOpen if the tokens do not open, LookupError if the connector is not installed.
    """
    document = revocation.open()
    connection = Connection(
        tenant_id=revocation.tenant_id,
        connector_key=revocation.connector_key,
        account=revocation.account,
        settings=document["settings"],
    )
    credential = build_credential(connection, app, document["secret"])
    return connection, credential, app.open() if app else {}


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
