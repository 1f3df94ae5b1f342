"""Schedule the revocation of tokens that are no longer needed; a task attempts it.

The credential of a disconnect that can be undone is kept here, and revoked when its time is over.
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from django.views.decorators.debug import sensitive_variables

from connectors.registry import CONNECTORS
from hub.connections.models import (
    DISCONNECTED,
    Connection,
    Credential,
    Disconnection,
    Revocation,
)
from hub.crypto.sealed import CannotOpen, seal
from hub.queue import wake_up
from tenants.models import Tenant

# of a credential, about the lifetimes of its tokens
TOKEN_COLUMNS = ("token_lifetimes", "expires_at", "refresh_due_at", "grant_expires_at")


def schedule_revocation(
    tenant: Tenant,
    connector: str,
    secret: Mapping[str, Any],
    *,
    settings: Mapping[str, Any],
    account: str,
    connection: Connection | None = None,
    now: datetime,
) -> None:
    """Schedule a revocation in the caller's transaction.

    Nothing is scheduled if another connection uses the grant.
    """
    provider = CONNECTORS[connector]
    if (
        not provider.needs_oauth
        or not secret.get("access_token")
        or is_grant_in_use(connector, account, connection)
    ):
        return
    revocation = Revocation(
        tenant=tenant, connector_key=connector, connection=connection, account=account
    )
    revocation.sealed = seal(
        {"secret": dict(secret), "settings": dict(settings)}, revocation.binding
    )
    revocation.due_at = revocation.created_at = now
    revocation.save(force_insert=True)
    wake_up(f"revoke:{revocation.pk}", now=now)


def schedule_connection_revocation(connection: Connection, *, now: datetime) -> None:
    """Schedule the revocation of the stored credential, in the caller's transaction."""
    owner, secret = connection.tenant, open_stored_secret(connection)
    if owner:
        schedule_revocation(
            owner,
            connection.connector_key,
            secret,
            settings=connection.settings,
            account=connection.account,
            connection=connection,
            now=now,
        )


@sensitive_variables()
def keep_credential_for_undo(connection: Connection, *, now: datetime) -> Disconnection | None:
    """Move the stored credential to where only an undo reads it, in the caller's transaction.

    Returns None if there is nothing that an undo could restore. The caller empties the credential.
    """
    secret = open_stored_secret(connection)
    if not secret:
        return None
    credential = Credential.unscoped.get(connection=connection)
    disconnection = Disconnection(
        connection=connection,
        account=connection.account,
        version=credential.version,
        token_lifetimes=credential.token_lifetimes,
        expires_at=credential.expires_at,
        refresh_due_at=credential.refresh_due_at,
        grant_expires_at=credential.grant_expires_at,
        state=connection.state,
        reason=connection.reason,
        detail=connection.detail,
        paused_until=connection.paused_until,
        created_at=now,
        revoke_at=now + Disconnection.UNDO_PERIOD,
    )
    document = {"secret": dict(secret), "settings": dict(connection.settings)}
    disconnection.sealed = seal(document, disconnection.binding)
    disconnection.save(force_insert=True)
    return disconnection


@sensitive_variables()
def end_undo(connection: Connection, *, now: datetime) -> bool:
    """Delete the credential stored for an undo, and schedule its revocation.

    Returns False if there is none. Must be called in a transaction: both happen, or neither.
    """
    rows = Disconnection.unscoped.select_for_update(no_key=True).filter(connection=connection)
    disconnection = rows.first()
    if disconnection is None:
        return False
    with suppress(CannotOpen):
        if connection.tenant:
            document = disconnection.open()
            schedule_revocation(
                connection.tenant,
                connection.connector_key,
                document["secret"],
                settings=document["settings"],
                account=disconnection.account,
                connection=connection,
                now=now,
            )
    disconnection.delete()
    return True


@sensitive_variables()
def keep_late_grant(
    connection: Connection, version: int, document: Mapping[str, Any], columns: Mapping[str, Any]
) -> bool:
    """Store the tokens of a refresh that finished after a disconnect, for its undo.

    Returns False if no credential of this version is stored for an undo. Must be called in a
    transaction.
    """
    rows = Disconnection.unscoped.select_for_update(no_key=True)
    disconnection = rows.filter(connection=connection, version=version).first()
    if disconnection is None:
        return False
    disconnection.sealed = seal(
        {**disconnection.open(), "secret": dict(document)}, disconnection.binding
    )
    for name in TOKEN_COLUMNS:
        setattr(disconnection, name, columns[name])
    disconnection.save(update_fields=["sealed", *TOKEN_COLUMNS])
    return True


@sensitive_variables()
def open_stored_secret(connection: Connection) -> Mapping[str, Any]:
    """Lock the credential and return its document; empty if it does not open.

    Tokens in a credential that does not open cannot be revoked.
    """
    credential = Credential.unscoped.select_for_update().filter(connection=connection).first()
    with suppress(CannotOpen):
        return credential.open(connection) if credential else {}
    return {}


@sensitive_variables()
def revoke_superseded_grant(
    connection: Connection,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    *,
    settings: Mapping[str, Any],
    now: datetime,
) -> None:
    """Schedule the revocation of the tokens that a reconnect replaced, if grants end separately."""
    owner = connection.tenant
    if (
        owner
        and connection.connector.has_separate_grants
        and not extract_tokens(old) & extract_tokens(new)
    ):
        schedule_revocation(
            owner,
            connection.connector_key,
            old,
            settings=settings,
            account=connection.account,
            connection=connection,
            now=now,
        )


def extract_tokens(secret: Mapping[str, Any]) -> set[Any]:
    return {secret[key] for key in ("access_token", "refresh_token") if secret.get(key)}


def is_grant_in_use(connector: str, account: str, connection: Connection | None) -> bool:
    """Return whether another connection uses the account's only grant; also if that is unknown."""
    if not CONNECTORS[connector].has_one_grant:
        return False
    others = Connection.unscoped.filter(connector_key=connector, account=account)
    if connection is not None:
        others = others.exclude(pk=connection.pk)
    return not account or others.exclude(state="disabled", reason=DISCONNECTED).exists()
