"""Connect a tenant to an external system: what was filled in is tested first, then kept in one transaction."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F

from connectors.base import Connector, Grant
from hub.connections import signing
from hub.connections.lives import Random, fresh
from hub.connections.models import DISCONNECTED, REFRESHING, Connection, Credential, CredentialEvent, Lane
from hub.connections.probe import Finding
from hub.connections.signing import SIGNING_SECRET, made_secret
from hub.limits.spending import refuse_beyond
from hub.queue import ring
from hub.secrets import CannotOpen, seal
from tenants.models import Tenant, User
from tenants.people import hold


def begun(
    connection: Connection, document: Mapping[str, Any], expires_at: datetime | None, *, random: Random, now: datetime
) -> dict[str, Any]:
    """The life of what was just granted; tokens that came together live as long."""
    left = (expires_at - now).total_seconds() if expires_at else None
    grant = Grant(document, expires_in=left, lives=dict.fromkeys(connection.connector.tokens, left))
    return fresh(connection.connector, grant, now=now, random=random)


class Suspended(Exception):
    """As long as a tenant is suspended, nothing is connected for it."""


class AlreadyConnected(Exception):
    """The same account twice would send everything twice."""


class ChangeRefused(Exception):
    """The connection stays as it is; the sentence says why."""


class OtherAccount(ChangeRefused):
    """What waits was meant for the account that was connected first."""


class SecretChangedTooOften(ChangeRefused):
    """Another signing secret would end one that signs for 24 hours."""


def draft(tenant: Tenant | None, connector: str, name: str, settings: Mapping[str, Any]) -> Connection:
    """A connection to be tested; nothing is stored."""
    return Connection(tenant=tenant, connector_key=connector, name=name, settings=dict(settings))


def completed(
    connector: Connector, document: Mapping[str, Any], *, random: Callable[[int], bytes]
) -> tuple[dict[str, Any], str]:
    """The document with a signing secret where the connector signs and none was given; and the one that was made."""
    signs = any(field.key == SIGNING_SECRET for field in connector.fields)
    if not signs or document.get(SIGNING_SECRET):
        return dict(document), ""
    made = made_secret(random)
    return {**document, SIGNING_SECRET: made}, made


def connect(
    connection: Connection,
    document: Mapping[str, Any],
    finding: Finding,
    *,
    by: User | None,
    expires_at: datetime | None = None,
    random: Random,
    now: datetime,
) -> Connection:
    """Store a draft. What a test did not pass begins as degraded; what waited for this system goes out."""
    refuse_suspended(connection)
    take_account(connection, finding)
    refuse_twice(connection)
    refuse_too_many(connection, now=now)
    connection.connected_by, connection.checked_at = by, now
    connection.state_changed_at = connection.changed_at = connection.created_at = now
    if not finding.lives:
        connection.state, connection.reason, connection.detail = "degraded", finding.reason, finding.detail[:500]
    try:
        with transaction.atomic():
            connection.save(force_insert=True)
            sealed = seal(document, Credential.binding(connection))
            life = begun(connection, document, expires_at, random=random, now=now)
            Credential.unscoped.create(connection=connection, sealed=sealed, updated_at=now, **life)
            CredentialEvent.note(connection, "issued", version=1, now=now)
            Lane.unscoped.create(connection=connection, in_flight=connection.connector.in_flight, virtual_time=now)
            ring("drain", now=now)
    except IntegrityError:
        raise AlreadyConnected("Somebody has just connected the same account.") from None
    return connection


def refuse_suspended(connection: Connection) -> None:
    if connection.tenant and connection.tenant.suspended:
        raise Suspended("This tenant is suspended: nothing is connected until it is restored.")


def take_account(connection: Connection, finding: Finding) -> None:
    if finding.account:
        connection.account, connection.account_name = finding.account.id, finding.account.name


def refuse_twice(connection: Connection) -> None:
    same = Connection.unscoped.filter(tenant=connection.tenant, connector_key=connection.connector_key)
    if not connection.connector.platform:
        same = same.filter(account=connection.account).exclude(account="")
    if other := same.first():
        whose = other.tenant or "the platform"
        raise AlreadyConnected(
            f"{connection.connector.label} {other.account} is connected for {whose} as “{other.name}”."
        )


def refuse_too_many(connection: Connection, *, now: datetime) -> None:
    """Raises LimitExceeded; disconnected ones do not count."""
    if connection.tenant is None:
        return
    hold(connection.tenant)
    rows = Connection.objects.of(connection.tenant).exclude(state="disabled", reason=DISCONNECTED)
    refuse_beyond(connection.tenant, "connections", rows.count(), now=now)


def reconnect(
    connection: Connection,
    settings: Mapping[str, Any],
    document: Mapping[str, Any],
    finding: Finding,
    *,
    expires_at: datetime | None = None,
    replaces: bool = False,
    random: Random,
    now: datetime,
) -> None:
    """Other settings, another credential, the same account: the backlog stays, and goes on when the test passed.

    `replaces`: an owner wants another account in its place.
    """
    refuse_suspended(connection)
    told = finding.account.id if finding.account else ""
    if told and connection.account and told != connection.account and not replaces:
        raise OtherAccount(f"This is the account {told}; the connection belongs to {connection.account}.")
    with transaction.atomic():
        document = with_overlap(connection, document, now=now)
        Lane.lock(connection.pk)
        take_account(connection, finding)
        connection.settings = {**connection.settings, **settings}
        connection.changed_at = connection.checked_at = now
        columns = ["settings", "permissions", "changed_at", "checked_at", "account", "account_name", "connected_by"]
        connection.save(update_fields=columns)
        Credential.unscoped.filter(connection=connection).update(
            sealed=seal(document, Credential.binding(connection)),
            version=F("version") + 1,
            updated_at=now,
            **begun(connection, document, expires_at, random=random, now=now),
        )
        version = Credential.unscoped.values_list("version", flat=True).get(connection=connection)
        CredentialEvent.note(connection, "replaced" if replaces else "reconnected", version=version, now=now)
        Lane.unscoped.filter(connection=connection, hold_reason=REFRESHING).update(hold_reason="", due_at=now)
        settle(connection, finding, now=now)
        ring("drain", now=now)
        ring("pump", now=now)


def with_overlap(connection: Connection, document: Mapping[str, Any], *, now: datetime) -> Mapping[str, Any]:
    """The document, in which a signing secret that it replaces goes on signing for 24 hours."""
    stored = Credential.unscoped.select_for_update().filter(connection=connection).first()
    try:
        return signing.overlapped(stored.open(connection) if stored else {}, document, now=now)
    except CannotOpen:
        return document
    except signing.TooManyAtOnce:
        words = "The signing secret was changed too often in one day: the old ones still sign for 24 hours."
        raise SecretChangedTooOften(words) from None


def settle(connection: Connection, finding: Finding, *, now: datetime) -> None:
    """A pause and a switch-off stay: a person set them. What was disconnected is connected again."""
    if finding.lives:
        Connection.unscoped.filter(pk=connection.pk).update(ended_reason="", ended_detail="")
    mended = connection.state in ("needs_reconnect", "degraded", "silent") or connection.disconnected
    if finding.lives and mended:
        connection.mark_healthy(now=now)
    elif not finding.lives and connection.state in ("healthy", "silent"):
        connection.mark_degraded(finding.reason, finding.detail, now=now)
