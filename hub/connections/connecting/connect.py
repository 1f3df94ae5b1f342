"""Store a tested connection, or tested settings and a tested credential of an existing one."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F

from connectors.base import Connector, Grant
from hub.connections.credentials import signing_secrets
from hub.connections.credentials.probe import ProbeResult
from hub.connections.credentials.signing_secrets import SIGNING_SECRET, generate_signing_secret
from hub.connections.models import (
    DISCONNECTED,
    REFRESHING,
    Connection,
    Credential,
    CredentialEvent,
    KillSwitch,
    Lane,
)
from hub.connections.token_lifetimes import Random, build_fresh_columns
from hub.crypto.sealed import CannotOpen, seal
from hub.limits.spending import require_room
from hub.queue import wake_up
from tenants.models import Tenant, User
from tenants.services.tenant_actions import lock_tenant


def _build_granted_columns(
    connection: Connection,
    document: Mapping[str, Any],
    expires_at: datetime | None,
    *,
    random: Random,
    now: datetime,
) -> dict[str, Any]:
    """Build the lifetime columns of new tokens, which all have the same expiry."""
    seconds_left = (expires_at - now).total_seconds() if expires_at else None
    grant = Grant(
        document,
        expires_in=seconds_left,
        token_lifetimes=dict.fromkeys(connection.connector.tokens, seconds_left),
    )
    return build_fresh_columns(connection.connector, grant, now=now, random=random)


RECONNECT_COLUMNS = (
    *("settings", "permissions", "changed_at", "checked_at"),
    *("account", "account_name", "connected_by"),
)
SECRET_LIMIT = (
    "The signing secret was changed too often in one day. Old secrets keep signing for 24 hours."
)
TENANT_SUSPENDED = "This tenant is suspended. Restore it before you connect a system."


class TenantSuspended(Exception):
    """The tenant is suspended, so nothing was connected."""


class AlreadyConnected(Exception):
    """Another connection has this account, which would receive every event twice."""


class ConnectionChangeRefused(Exception):
    """The connection was not changed; the message contains the reason."""


class AccountMismatch(ConnectionChangeRefused):
    """The credential is of another account than the waiting deliveries are for."""


class SecretChangedTooOften(ConnectionChangeRefused):
    """Another change would end an old signing secret before its 24 hours are over."""


def draft_connection(
    tenant: Tenant | None, connector: str, name: str, settings: Mapping[str, Any]
) -> Connection:
    """Build an unsaved connection, to test it."""
    return Connection(tenant=tenant, connector_key=connector, name=name, settings=dict(settings))


def add_signing_secret(
    connector: Connector, document: Mapping[str, Any], *, random: Callable[[int], bytes]
) -> tuple[dict[str, Any], str]:
    """Return the document, with a signing secret if one is needed, and the generated secret.

    The second value is empty if no secret was generated.
    """
    if not signing_secrets.has_signing_secret(connector) or document.get(SIGNING_SECRET):
        return dict(document), ""
    new_secret = generate_signing_secret(random)
    return {**document, SIGNING_SECRET: new_secret}, new_secret


def connect_account(
    connection: Connection,
    document: Mapping[str, Any],
    probe_result: ProbeResult,
    *,
    connected_by: User | None,
    expires_at: datetime | None = None,
    random: Random,
    now: datetime,
) -> Connection:
    """Store a draft in the caller's transaction, and release deliveries that wait for its system.

    A draft that did not pass its test becomes *degraded*. Raises TenantSuspended, AlreadyConnected
    if another connection has the account, and LimitExceeded if the tenant may have no more
    connections.
    """
    _lock_active_tenant(connection)
    _copy_account(connection, probe_result)
    _refuse_connected_account(connection)
    _refuse_too_many_connections(connection, now=now)
    connection.connected_by, connection.checked_at = connected_by, now
    connection.state_changed_at = connection.changed_at = connection.created_at = now
    if not probe_result.passed:
        connection.state, connection.reason = "degraded", probe_result.reason
        connection.detail = probe_result.detail[:500]
    try:
        _insert_connection(connection, document, expires_at, random=random, now=now)
    except IntegrityError:
        raise AlreadyConnected("The same account was connected a moment ago.") from None
    return connection


@transaction.atomic
def _insert_connection(
    connection: Connection,
    document: Mapping[str, Any],
    expires_at: datetime | None,
    *,
    random: Random,
    now: datetime,
) -> None:
    """Insert the connection with its credential and its lane."""
    connection.save(force_insert=True)
    sealed = seal(document, Credential.binding(connection))
    lifetimes = _build_granted_columns(connection, document, expires_at, random=random, now=now)
    Credential.unscoped.create(connection=connection, sealed=sealed, updated_at=now, **lifetimes)
    CredentialEvent.record_event(connection, "issued", version=1, now=now)
    Lane.unscoped.create(
        connection=connection,
        in_flight=connection.connector.in_flight,
        virtual_time=now,
        switched_off_by=KillSwitch.find_level_of(connection),
    )
    wake_up("drain", now=now)


def _lock_active_tenant(connection: Connection) -> None:
    """Lock the tenant. Raises TenantSuspended if it was suspended during the test."""
    if connection.tenant is None:
        return
    lock_tenant(connection.tenant)
    if Tenant.objects.filter(pk=connection.tenant.pk, suspended_at__isnull=False).exists():
        raise TenantSuspended(TENANT_SUSPENDED)


def _copy_account(connection: Connection, probe_result: ProbeResult) -> None:
    if probe_result.account:
        connection.account, connection.account_name = (
            probe_result.account.id,
            probe_result.account.name,
        )


def _refuse_connected_account(connection: Connection) -> None:
    same_account = Connection.unscoped.filter(
        tenant=connection.tenant, connector_key=connection.connector_key
    )
    if not connection.connector.platform:
        same_account = same_account.filter(account=connection.account).exclude(account="")
    if other := same_account.first():
        owner = other.tenant or "the platform"
        raise AlreadyConnected(
            f"{connection.connector.label} {other.account} is connected for {owner}"
            f" as “{other.name}”."
        )


def _refuse_too_many_connections(connection: Connection, *, now: datetime) -> None:
    """Raise LimitExceeded if the tenant may have no more connections.

    Disconnected connections are not counted.
    """
    if connection.tenant is None:
        return
    connections = Connection.objects.of(connection.tenant).exclude(
        state="disabled", reason=DISCONNECTED
    )
    require_room(connection.tenant, "connections", connections.count(), now=now)


def reconnect_account(
    connection: Connection,
    settings: Mapping[str, Any],
    document: Mapping[str, Any],
    probe_result: ProbeResult,
    *,
    expires_at: datetime | None = None,
    replaces: bool = False,
    random: Random,
    now: datetime,
) -> None:
    """Store other settings and another credential; after a passed test the backlog is sent.

    `replaces`: an owner has agreed to replace the account by another one. Raises TenantSuspended,
    AccountMismatch if the account is another one without `replaces`, and SecretChangedTooOften if
    too many old signing secrets are still valid.
    """
    account_id = probe_result.account.id if probe_result.account else ""
    if account_id and connection.account and account_id != connection.account and not replaces:
        raise AccountMismatch(
            f"This is the account {account_id}; the connection belongs to {connection.account}."
        )
    with transaction.atomic():
        _lock_active_tenant(connection)
        document = _add_replaced_secrets(connection, document, now=now)
        Lane.lock(connection.pk)
        _copy_account(connection, probe_result)
        connection.settings = {**connection.settings, **settings}
        connection.changed_at = connection.checked_at = now
        connection.save(update_fields=RECONNECT_COLUMNS)
        lifetimes = _build_granted_columns(connection, document, expires_at, random=random, now=now)
        kind = "replaced" if replaces else "reconnected"
        _replace_credential(connection, document, lifetimes, kind, now=now)
        Lane.unscoped.filter(connection=connection, hold_reason=REFRESHING).update(
            hold_reason="", due_at=now
        )
        _apply_probe_result(connection, probe_result, now=now)
        wake_up("drain", now=now)
        wake_up("pump", now=now)


def _replace_credential(
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
    connection: Connection, document: Mapping[str, Any], *, now: datetime
) -> Mapping[str, Any]:
    """Return the document with the replaced signing secret, which signs 24 hours longer.

    Raises SecretChangedTooOften if too many old secrets are still valid.
    """
    stored = Credential.unscoped.select_for_update().filter(connection=connection).first()
    try:
        return signing_secrets.merge_overlapping_secrets(
            stored.open(connection) if stored else {}, document, now=now
        )
    except CannotOpen:
        return document
    except signing_secrets.TooManySigningSecrets:
        raise SecretChangedTooOften(SECRET_LIMIT) from None


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
