"""Store tested settings and a tested credential of a connection that exists."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from hub.connections.connecting.connect import (
    build_granted_columns,
    copy_account,
    lock_active_tenant,
    report_connected_account,
    report_replaced_account,
)
from hub.connections.credentials import signing_secrets
from hub.connections.credentials.account_probe import ProbeResult
from hub.connections.credentials.revocation_schedule import end_undo
from hub.connections.models import (
    REFRESHING,
    Connection,
    Credential,
    CredentialEvent,
    Lane,
    get_pending_disconnection,
)
from hub.connections.token_lifetimes import Random
from hub.crypto.sealed import CannotOpen, seal
from hub.problems import Refusal
from hub.queue import wake_up

RECONNECT_COLUMNS = (
    "settings",
    "permissions",
    "changed_at",
    "checked_at",
    "account",
    "account_name",
    "account_since",
    "connected_by",
)


@dataclass(frozen=True, slots=True)
class FormerAccount:
    """The account of a connection before a change.

    `id` is "" if the system names no account; `name` is then the host. `secrets`: the values in the
    account's credential, if it is still stored.
    """

    id: str
    name: str
    is_disconnected: bool
    secrets: frozenset[str] = field(repr=False)

    @classmethod
    @sensitive_variables()
    def of(cls, connection: Connection, credential: Credential | None) -> Self:
        """Read the account from a locked connection and its credential, before a replacement."""
        secrets: frozenset[str] = frozenset()
        disconnection = get_pending_disconnection(connection)
        with suppress(CannotOpen):
            if disconnection is not None:
                secrets = _list_secrets(disconnection.open()["secret"])
            elif credential is not None:
                secrets = _list_secrets(credential.open(connection))
        return cls(connection.account, connection.account_name, connection.is_disconnected, secrets)

    @sensitive_variables()
    def is_replaced_by(self, connection: Connection, document: Mapping[str, Any]) -> bool:
        """Return whether the connection now has, or may have, an account other than this one.

        If the system names no account, a different host means a different account. Without hosts,
        only a connection that was disconnected may have a different account, and only if none of
        its secrets is the same.
        """
        if self.id or connection.account:
            return bool(self.id) and connection.account != self.id
        if connection.connector.webhook_source is None:
            return False
        if self.name and connection.account_name:
            return connection.account_name != self.name
        return self.is_disconnected and not self.secrets & _list_secrets(document)


def _list_secrets(document: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(value for value in document.values() if isinstance(value, str) and value)


class ConnectionChangeRefused(Refusal):
    """The connection was not changed."""


class ConnectionChanged(ConnectionChangeRefused):
    """During the test, the credential or account was changed, or it was disconnected."""


class AccountMismatch(ConnectionChangeRefused):
    """The credential belongs to another account than the one the waiting deliveries are for."""

    code = "other-account"


def reconnect_account(
    connection: Connection,
    settings: Mapping[str, Any],
    document: Mapping[str, Any],
    probe_result: ProbeResult,
    *,
    tested_version: int | None = None,
    expires_at: datetime | None = None,
    replaces: bool = False,
    random: Random,
    now: datetime,
) -> None:
    """Store changed settings and a new credential; after a passed test, send the backlog.

    `connection` is as it was read before the test; its other settings may have changed since.
    `tested_version` is the credential's version before the test; None: any version may be replaced.
    `replaces`: an owner has agreed to another account. Raises TenantSuspended, ConnectionChanged if
    credential or account was changed during the test, AccountMismatch if the account is another one
    without `replaces`, and TooManySigningSecrets if too many old signing secrets are still valid.
    """
    settings_before = connection.settings
    with transaction.atomic():
        lock_active_tenant(connection)
        stored = _lock_unchanged_credential(connection, tested_version)
        former = FormerAccount.of(connection, stored)
        end_undo(connection, now=now)
        _refuse_other_account(connection, probe_result, replaces=replaces)
        document = _add_replaced_secrets(connection, stored, document, now=now)
        copy_account(connection, probe_result)
        if former.is_replaced_by(connection, document):
            connection.account_since = now
            report_replaced_account(connection, now=now)
        connection.settings = _merge_settings(settings_before, connection.settings, settings)
        connection.changed_at = connection.checked_at = now
        connection.save(update_fields=RECONNECT_COLUMNS)
        lifetimes = build_granted_columns(connection, document, expires_at, random=random, now=now)
        kind = "replaced" if replaces else "reconnected"
        replace_credential(connection, document, lifetimes, kind, now=now)
        _apply_probe_result(connection, probe_result, now=now)
        wake_up_waiting_work(connection, now=now)


def wake_up_waiting_work(connection: Connection, *, now: datetime) -> None:
    """Wake up the work that waited for the account: held deliveries, items, webhooks, and its lane.

    Of the reasons to hold a lane, only a pending refresh is cleared here.
    """
    report_connected_account(connection, now=now)
    Lane.unscoped.filter(connection=connection, hold_reason=REFRESHING).update(
        hold_reason="", due_at=now
    )
    wake_up("drain", now=now)
    wake_up("pump", now=now)


def _merge_settings(
    before: Mapping[str, Any], stored: Mapping[str, Any], entered: Mapping[str, Any]
) -> dict[str, Any]:
    """Merge the entered settings into the stored ones.

    A setting that another request has changed since `before` is kept, unless the input changes it
    too.
    """
    unchanged = {
        name
        for name, value in entered.items()
        if (value or None) == (before.get(name) or None) and stored.get(name) != before.get(name)
    }
    return {
        **stored,
        **{name: value for name, value in entered.items() if name not in unchanged},
    }


def _lock_unchanged_credential(
    connection: Connection, tested_version: int | None
) -> Credential | None:
    """Lock the connection, read it again as it is stored, and return its credential.

    Raises ConnectionChanged if credential or account was changed, or it was disconnected, since
    `connection` was read.
    """
    before = (connection.account, connection.is_disconnected)
    credential = Credential.lock(connection)
    is_replaced = credential and tested_version not in (None, credential.version)
    if is_replaced or before != (connection.account, connection.is_disconnected):
        raise ConnectionChanged(
            _(
                "The connection was changed while this was tested, so nothing was saved. Check the "
                "connection, then try again."
            )
        )
    return credential


def _refuse_other_account(
    connection: Connection, probe_result: ProbeResult, *, replaces: bool
) -> None:
    """Raise AccountMismatch if the test found another account than the connection has."""
    account_id = probe_result.account.id if probe_result.account else ""
    if account_id and connection.account and account_id != connection.account and not replaces:
        raise AccountMismatch(
            f"This is the account {account_id}; the connection belongs to {connection.account}."
        )


def replace_credential(
    connection: Connection,
    document: Mapping[str, Any],
    lifetimes: Mapping[str, Any],
    kind: str,
    *,
    now: datetime,
) -> None:
    """Store the document as the next version of the credential, with an event of this kind."""
    credentials = Credential.unscoped.filter(connection=connection)
    sealed = seal(document, Credential.binding(connection))
    credentials.update(sealed=sealed, version=F("version") + 1, updated_at=now, **lifetimes)
    version = credentials.values_list("version", flat=True).get()
    CredentialEvent.record_event(connection, kind, version=version, now=now)


def _add_replaced_secrets(
    connection: Connection,
    stored: Credential | None,
    document: Mapping[str, Any],
    *,
    now: datetime,
) -> Mapping[str, Any]:
    """Return the document with the replaced signing secret, which signs 24 hours longer.

    Raises TooManySigningSecrets if too many old secrets are still valid.
    """
    try:
        return signing_secrets.merge_overlapping_secrets(
            stored.open(connection) if stored else {}, document, now=now
        )
    except CannotOpen:
        return document


def _apply_probe_result(
    connection: Connection, probe_result: ProbeResult, *, now: datetime
) -> None:
    """Update the state by the test's result.

    A paused or disabled connection stays so; a disconnected one becomes healthy if the test passed.
    """
    if probe_result.passed:
        Connection.unscoped.filter(pk=connection.pk).update(ended_reason="", ended_detail="")
    is_recoverable = (
        connection.state in ("needs_reconnect", "degraded", "silent") or connection.is_disconnected
    )
    if probe_result.passed and is_recoverable:
        connection.mark_healthy(now=now)
    elif not probe_result.passed and connection.state in ("healthy", "silent"):
        connection.mark_degraded(probe_result.reason, probe_result.detail, now=now)
