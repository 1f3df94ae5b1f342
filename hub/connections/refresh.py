"""Refresh an access token: one side at a time by compare-and-swap, stored before anything else."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db.models import F, Q

from connectors.base import Grant
from connectors.outcomes import Outcome, later, unknown
from connectors.wire import Request, Response, Unreadable
from hub.connections.models import REFRESHING, Connection, ConnectorApp, Credential, Lane
from hub.connections.spend import NotFree, heard, spending
from hub.connections.unseal import credential_of
from hub.egress import EgressError, Unsent
from hub.failpoints import failpoint
from hub.secrets import CannotOpen, seal
from hub.states import WrongState

CLAIM = timedelta(seconds=30)  # as long as one refresh may take
AGAIN = timedelta(seconds=30)  # after a refresh that did not come through
TOO_SOON = timedelta(seconds=60)  # a token that is refused so soon after it was given is not mended by another


def refresh(connection: Connection, *, call: Callable[[Request], Response], now: datetime) -> bool:
    """Refresh once; the lane goes on when there is a new token. False where another side does it, or it failed."""
    credential = Credential.unscoped.get(connection=connection)
    if not claimed(credential, now=now):
        return False
    if credential.version > 1 and now - credential.updated_at < TOO_SOON:
        return give_up(connection, "refused_after_refresh", "the new access token is refused too", now=now)
    answer = asked(connection, call, now=now)
    failpoint("O7")  # a refresh was answered, and is not stored
    if isinstance(answer, Grant):
        return store(connection, credential, answer, now=now)
    if answer.kind == "reconnect":
        return give_up(connection, answer.reason, answer.says, now=now)
    rest(connection, answer, now=now)
    return False


def claimed(credential: Credential, *, now: datetime) -> bool:
    free = Q(refreshing_until=None) | Q(refreshing_until__lt=now)
    rows = Credential.unscoped.filter(free, pk=credential.pk, version=credential.version)
    return bool(rows.update(refreshing_until=now + CLAIM))


def asked(connection: Connection, call: Callable[[Request], Response], *, now: datetime) -> Grant | Outcome:
    """No transaction is open here."""
    app = ConnectorApp.objects.filter(connector=connection.connector).first()
    try:
        credential = credential_of(connection, app)
        request = connection.code.refresh(app.open() if app else {}, credential)
        with spending(connection, request, now=now):
            answer = connection.code.refreshed(call(request), credential)
        heard(connection, request, answer if isinstance(answer, Outcome) else None, now=now)
        return answer
    except NotFree as spent:
        return later("throttled", str(spent), after=(spent.until - now).total_seconds())
    except Unsent as error:
        return later(error.reason, str(error))
    except (EgressError, Unreadable, KeyError, TypeError, ValueError) as error:
        return unknown("refresh_unanswered", str(error))
    except CannotOpen as error:
        return later("credential_unreadable", str(error))


def store(connection: Connection, credential: Credential, grant: Grant, *, now: datetime) -> bool:
    """The new document under version + 1; what the grant does not name (an unchanged refresh token) stays."""
    document = {**credential.open(connection), **grant.secret}
    if grant.settings:  # such as an organisation that moved to another host
        Connection.unscoped.filter(pk=connection.pk).update(settings={**connection.settings, **grant.settings})
    rows = Credential.unscoped.filter(pk=credential.pk, version=credential.version)
    stored = rows.update(
        sealed=seal(document, Credential.binding(connection)),
        version=F("version") + 1,
        expires_at=None if grant.expires_in is None else now + timedelta(seconds=grant.expires_in),
        refreshing_until=None,
        updated_at=now,
    )
    go_on(connection, now=now)
    return bool(stored)


def go_on(connection: Connection, *, now: datetime) -> None:
    Lane.unscoped.filter(connection=connection, held=REFRESHING).update(held="", due_at=now)


def give_up(connection: Connection, reason: str, says: str, *, now: datetime) -> bool:
    """Only a person can mend it. The lane stays held, by the connection's state now."""
    Credential.unscoped.filter(connection=connection).update(refreshing_until=None)
    try:
        connection.need_reconnect(reason, says, now=now)
    except WrongState:
        go_on(connection, now=now)
    return False


def rest(connection: Connection, outcome: Outcome, *, now: datetime) -> None:
    """It did not come through: the sweep asks again when `refreshing_until` has passed."""
    wait = timedelta(seconds=outcome.after) if outcome.after else AGAIN
    Credential.unscoped.filter(connection=connection).update(refreshing_until=now + wait)
