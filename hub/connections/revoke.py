"""End tokens that nobody needs any more where they came from: written down first, done by a bell, told if in vain."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from connectors.base import Grant
from connectors.outcomes import Outcome, delivered, later, never
from connectors.registry import CONNECTORS
from connectors.wire import Request, Response, Unreadable
from hub import audit
from hub.connections.models import (
    DISCONNECTED,
    Authorization,
    Connection,
    ConnectorApp,
    Credential,
    CredentialEvent,
    Revocation,
)
from hub.connections.spend import NotFree, spending
from hub.connections.unseal import opened
from hub.egress import EgressError
from hub.notices.notify import notify
from hub.queue import ring
from hub.secrets import CannotOpen, seal
from hub.states import WrongState
from tenants.models import Tenant

Call = Callable[[Request], Response]

CLAIM = timedelta(seconds=60)
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=6)
TRIES_MOST = 12  # about two days
UNPROVEN = {"other_account", "no_access_token"}  # answers of a token endpoint that tell nothing of the grant
ABANDONED = {"begun": "unfinished", "received": "interrupted", "granted": "late"}


def give_back(
    tenant: Tenant,
    connector: str,
    secret: Mapping[str, Any],
    *,
    settings: Mapping[str, Any],
    account: str,
    connection: Connection | None = None,
    now: datetime,
) -> None:
    """Joins the caller's transaction. Nothing is ended that another connection lives on."""
    code = CONNECTORS[connector]
    if not code.needs_oauth or not secret.get("access_token") or still_used(connector, account, connection):
        return
    row = Revocation(tenant=tenant, connector_key=connector, connection=connection, account=account)
    row.sealed = seal({"secret": dict(secret), "settings": dict(settings)}, row.binding)
    row.due_at = row.created_at = now
    row.save(force_insert=True)
    ring(f"revoke:{row.pk}", now=now)


def give_up(connection: Connection, *, now: datetime) -> None:
    """What a connection lives on is ended there. Joins the caller's transaction."""
    owner, secret = connection.tenant, lived_on(connection)
    if owner:
        known = {"settings": connection.settings, "account": connection.account}
        give_back(owner, connection.connector_key, secret, **known, connection=connection, now=now)


@sensitive_variables()
def lived_on(connection: Connection) -> Mapping[str, Any]:
    """Empty where it cannot be opened: then nobody can end it. In the caller's transaction."""
    kept = Credential.unscoped.select_for_update().filter(connection=connection).first()
    with suppress(CannotOpen):
        return kept.open(connection) if kept else {}
    return {}


@sensitive_variables()
def supersede(
    connection: Connection,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    *,
    settings: Mapping[str, Any],
    now: datetime,
) -> None:
    """The same account has let us in again, and that is stored: what it gave before is ended, where it ends alone."""
    owner = connection.tenant
    if owner and connection.connector.grants_apart and not pair_in(old) & pair_in(new):
        known = {"settings": settings, "account": connection.account}
        give_back(owner, connection.connector_key, old, **known, connection=connection, now=now)


def pair_in(secret: Mapping[str, Any]) -> set[Any]:
    return {secret[key] for key in ("access_token", "refresh_token") if secret.get(key)}


def still_used(connector: str, account: str, connection: Connection | None) -> bool:
    """Where all that an account gave us is one grant: whether somebody else has it, or nobody knows."""
    if not CONNECTORS[connector].one_grant:
        return False
    others = Connection.unscoped.filter(connector_key=connector, account=account).exclude(
        pk=connection and connection.pk
    )
    return not account or others.exclude(state="disabled", reason=DISCONNECTED).exists()


def revoke(row: Revocation, *, call: Call, now: datetime) -> bool:
    """One try; True where it is over, or somebody else is at it. No transaction is open during the call."""
    due = Revocation.unscoped.filter(pk=row.pk, due_at__lte=now)
    if not due.update(due_at=now + CLAIM, attempt_count=row.attempt_count + 1):
        return True
    if needed_again(row):
        conclude(row, never("needed_again"), now=now)
        return True
    outcome = asked(row, call, now=now)
    if outcome.kind != "delivered" and row.attempt_count + 1 < TRIES_MOST:
        wait = min(FIRST_WAIT * 2**row.attempt_count, LONGEST_WAIT)
        Revocation.unscoped.filter(pk=row.pk).update(due_at=now + wait)
        return False
    conclude(row, outcome, now=now)
    return True


@sensitive_variables()
def needed_again(row: Revocation) -> bool:
    """Whether somebody lives on it meanwhile: on the same token, or on a grant that would end with it."""
    if still_used(row.connector_key, row.account, None):
        return True
    if not renewed(row):
        return False
    if not CONNECTORS[row.connector_key].grants_apart:
        return True
    with suppress(CannotOpen, Credential.DoesNotExist):
        return bool(pair_in(row.open()["secret"]) & pair_in(row.connection.credential.open(row.connection)))
    return False


def renewed(row: Revocation) -> bool:
    """Its connection lives, by another authorization of the same account."""
    connection = row.connection
    return bool(connection and not connection.disconnected and connection.account == row.account)


@transaction.atomic
def conclude(row: Revocation, outcome: Outcome, *, now: datetime) -> None:
    tell(row, outcome, now=now)
    row.delete()


@sensitive_variables()
def asked(row: Revocation, call: Call, *, now: datetime) -> Outcome:
    """End it there; where the access token has ended before, with another that the refresh token gives."""
    app = ConnectorApp.objects.filter(connector_key=row.connector_key).first()
    try:
        outcome = end_grant(row, app, call, now=now)
        if outcome.kind != "refresh":
            return outcome
        if not row.open()["secret"].get("refresh_token"):
            return delivered()  # nothing is left that opens anything
        tokens = renew_tokens(row, app, call, now=now)
        if isinstance(tokens, Outcome):
            ended = tokens.kind == "reconnect" and tokens.reason not in UNPROVEN
            return delivered() if ended else later("not_revoked", tokens.detail or tokens.reason)
        again = end_grant(row, app, call, now=now)
        return later("not_revoked", again.detail or again.reason) if again.kind == "refresh" else again
    except (NotFree, EgressError, CannotOpen, Unreadable, KeyError, TypeError, ValueError) as error:
        return later("not_revoked", type(error).__name__)


@sensitive_variables()
def end_grant(row: Revocation, app: ConnectorApp | None, call: Call, *, now: datetime) -> Outcome:
    connection, secret = drafted(row)
    request = connection.connector.revoke(app.open() if app else {}, opened(connection, app, secret))
    with spending(connection, request, now=now) as turn:
        outcome: Outcome = connection.connector.revoked(call(request))
        turn.heard(outcome)
    return outcome


@sensitive_variables()
def renew_tokens(row: Revocation, app: ConnectorApp | None, call: Call, *, now: datetime) -> Grant | Outcome:
    """Another access token, stored at once: the refresh token may have been used up by this."""
    connection, secret = drafted(row)
    credential = opened(connection, app, secret)
    request = connection.connector.refresh(app.open() if app else {}, credential)
    with spending(connection, request, now=now) as turn:
        answer = connection.connector.refreshed(call(request), credential)
        if isinstance(answer, Grant):
            row.sealed = seal({**row.open(), "secret": dict(answer.secret)}, row.binding)
            row.save(update_fields=["sealed"])
        turn.heard(answer)
    return answer


def drafted(row: Revocation) -> tuple[Connection, Mapping[str, Any]]:
    kept = row.open()
    whose = {"tenant_id": row.tenant_id, "connector_key": row.connector_key, "account": row.account}
    return Connection(settings=kept["settings"], **whose), kept["secret"]


def tell(row: Revocation, outcome: Outcome, *, now: datetime) -> None:
    """The audit in any case; a person where it was in vain, for then only they can end it there.

    Not where the account is connected all the same: to remove our app there would end that, too.
    """
    label = CONNECTORS[row.connector_key].label
    if outcome.kind != "delivered" and not renewed(row):
        sentence = (
            f"{label} could not be told that {row.account or 'an account'} is disconnected. Remove our app there."
        )
        about = {"tenant_id": row.tenant_id, "connection_id": row.connection_id}
        notify("not_revoked", sentence, about=str(row.public_id), now=now, **about)
    if row.connection and not renewed(row):
        kind = "given_back" if outcome.kind == "delivered" else "not_given_back"
        version = Credential.unscoped.values_list("version", flat=True).get(connection=row.connection)
        CredentialEvent.note(row.connection, kind, outcome.detail or outcome.reason, version=version, now=now)
    after = {"account": row.account, "revoked": outcome.kind == "delivered", "attempt_count": row.attempt_count + 1}
    said = {"tenant": row.tenant, "after": after, "reason": outcome.reason, "now": now}
    audit.record(actor=audit.SYSTEM, verb="connection.revoke", obj=row.connection or row, **said)


def end_abandoned(*, now: datetime) -> None:
    """End attempts that nobody finished, and give back what was granted meanwhile.

    Raises the first LookupError of one whose connector is not installed, after all others have ended.
    """
    rows = Authorization.unscoped.filter(state__in=ABANDONED, expires_at__lte=now).select_related("tenant")
    failures = []
    for row in rows[:100]:
        try:
            abandon(row, ABANDONED[row.state], now=now)
        except WrongState:
            continue
        except LookupError as error:
            failures.append(error)
    if failures:
        raise failures[0]


@transaction.atomic
def abandon(row: Authorization, reason: str, detail: str = "", *, now: datetime) -> None:
    """It ends here, and what was granted is given back. Raises WrongState."""
    kept = granted_to(row)
    row.fail(reason, detail)
    hand_back(row, kept, now=now)


@transaction.atomic
def cancel(row: Authorization, *, now: datetime) -> None:
    """A person does not want it after all. Raises WrongState."""
    kept = granted_to(row)
    row.cancel()
    hand_back(row, kept, now=now)


def granted_to(row: Authorization) -> Mapping[str, Any]:
    with suppress(CannotOpen):
        return row.open() if row.state == "granted" else {}
    return {}


def hand_back(row: Authorization, kept: Mapping[str, Any], *, now: datetime) -> None:
    if kept:
        account = row.account
        give_back(row.tenant, row.connector_key, kept["secret"], settings=kept["settings"], account=account, now=now)
