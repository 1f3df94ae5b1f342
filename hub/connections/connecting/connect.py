"""Store a tested connection with its credential."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from connectors.base import Connector, Grant
from hub.connections.credentials import signing_secrets
from hub.connections.credentials.account_probe import ProbeResult
from hub.connections.credentials.signing_secrets import SIGNING_SECRET, generate_signing_secret
from hub.connections.models import (
    DISCONNECTED,
    Connection,
    Credential,
    CredentialEvent,
    KillSwitch,
    Lane,
)
from hub.connections.token_lifetimes import Random, build_fresh_columns
from hub.crypto.sealed import seal
from hub.hooks import Hook
from hub.limits.spending import require_room
from hub.problems import Refusal
from hub.queue import wake_up
from tenants.models import Tenant, User
from tenants.services.tenant_actions import lock_tenant


class AccountReport(Protocol):
    """Is told of a connection, in the transaction that connects or replaces its account."""

    def __call__(self, connection: Connection, *, now: datetime) -> None: ...


ACCOUNT_CONNECTED: Hook[AccountReport] = Hook()
ACCOUNT_REPLACED: Hook[AccountReport] = Hook()


def build_granted_columns(
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
        token_lifetimes=dict.fromkeys(connection.connector.token_prefixes, seconds_left),
    )
    return build_fresh_columns(connection.connector, grant, now=now, random=random)


class TenantSuspended(Refusal):
    """The tenant is suspended, so nothing was connected."""

    sentence = _("This tenant is suspended. Restore it before you connect a system.")


class AlreadyConnected(Refusal):
    """Another connection has this account, which would receive every event twice."""

    code = "already-connected"


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
    lock_active_tenant(connection)
    copy_account(connection, probe_result)
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
    report_connected_account(connection, now=now)
    return connection


def report_connected_account(connection: Connection, *, now: datetime) -> None:
    """Call the functions of ACCOUNT_CONNECTED, in the transaction that connects an account."""
    for report in ACCOUNT_CONNECTED:
        report(connection, now=now)


def report_replaced_account(connection: Connection, *, now: datetime) -> None:
    """Call the functions of ACCOUNT_REPLACED, in the transaction that replaces an account."""
    for report in ACCOUNT_REPLACED:
        report(connection, now=now)


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
    lifetimes = build_granted_columns(connection, document, expires_at, random=random, now=now)
    Credential.unscoped.create(connection=connection, sealed=sealed, updated_at=now, **lifetimes)
    CredentialEvent.record_event(connection, "issued", version=1, now=now)
    Lane.unscoped.create(
        connection=connection,
        in_flight=connection.connector.in_flight,
        virtual_time=now,
        switched_off_by=KillSwitch.find_level_of(connection),
    )
    wake_up("drain", now=now)


def lock_active_tenant(connection: Connection) -> None:
    """Lock the tenant. Raises TenantSuspended if it was suspended during the test."""
    if connection.tenant is None:
        return
    lock_tenant(connection.tenant)
    if Tenant.objects.filter(pk=connection.tenant.pk, suspended_at__isnull=False).exists():
        raise TenantSuspended


def copy_account(connection: Connection, probe_result: ProbeResult) -> None:
    """Set the account on the connection, if the test named it."""
    if probe_result.account:
        connection.account, connection.account_name = (
            probe_result.account.id,
            probe_result.account.name,
        )


def _refuse_connected_account(connection: Connection) -> None:
    same_account = Connection.unscoped.filter(
        tenant=connection.tenant, connector_key=connection.connector_key
    )
    if not connection.connector.is_for_platform:
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
