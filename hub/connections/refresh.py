"""Refresh an access token: one side at a time by compare-and-swap, stored before anything else.

That a refresh is on its way is written before it goes. A side that dies between the answer and our store leaves that
mark, so whoever comes next knows that a new token may have been lost, and says so.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta

from django.db.models import Q
from django.views.decorators.debug import sensitive_variables

from connectors import base
from connectors.base import Grant
from connectors.outcomes import Outcome, later, reconnect, unknown
from connectors.wire import Request, Response, Unreadable
from hub.connections.lives import MAIN, Random, Token
from hub.connections.models import Connection, ConnectorApp, Credential
from hub.connections.renewal import PAIR, REFUSALS_FEW, REFUSED_AGAIN, Renewal, Sleep
from hub.connections.spend import NotFree, spending
from hub.connections.unseal import credential_of, redacted, secrets_in
from hub.egress import EgressError, Unsent
from hub.failpoints import failpoint
from hub.secrets import CannotOpen

Call = Callable[[Request], Response]

CLAIM = timedelta(seconds=30)  # as long as one refresh may take


def refresh(connection: Connection, *, call: Call, now: datetime, random: Random, sleep: Sleep) -> bool:
    """Refresh what is due, once; the lane goes on. False where nothing is due, another side does it, or it failed.

    What the answer says of quotas is written down after the token is stored.
    """
    credential = Credential.unscoped.get(connection=connection)
    if not claimed(credential, now=now):
        return False
    renewal = Renewal(connection, credential, wanted(credential), now)
    if credential.refresh_started_at:
        renewal.note("unsure")
    with ExitStack() as afterwards:
        if credential.refusals >= REFUSALS_FEW:
            renewal.degrade(REFUSED_AGAIN, "")
        answer = asked_twice(renewal, call, afterwards)
        if isinstance(answer, Grant):
            return renewal.store(answer, random=random, sleep=sleep)
        if answer is not None:
            renewal.settle(answer)
        return False


def claimed(credential: Credential, *, now: datetime) -> bool:
    """The row is ours, and the mark is on it, before anything goes. What somebody else left unfinished is noticed."""
    free = Q(refresh_lease_until=None) | Q(refresh_lease_until__lt=now)
    rows = Credential.unscoped.filter(
        free,
        pk=credential.pk,
        version=credential.version,
        refresh_started_at=credential.refresh_started_at,
        refresh_due_at__lte=now,
    )
    credential.refresh_outcome_unknown_since = credential.refresh_outcome_unknown_since or credential.refresh_started_at
    return bool(
        rows.update(
            refresh_lease_until=now + CLAIM,
            refresh_started_at=now,
            refresh_outcome_unknown_since=credential.refresh_outcome_unknown_since,
        )
    )


def wanted(credential: Credential) -> str:
    """The prefix of the token that was refused, or is due first."""
    due = {prefix: Token.read(kept).due for prefix, kept in credential.token_lifetimes.items()}
    known = {prefix: at for prefix, at in due.items() if at}
    return MAIN if credential.rejected_at or not known else min(known, key=lambda prefix: known[prefix])


def asked_twice(renewal: Renewal, call: Call, afterwards: ExitStack) -> Grant | Outcome | None:
    """Only the end of a grant that is confirmed is one. None where somebody else stored another document meanwhile."""
    answer = asked(renewal, call, afterwards)
    if isinstance(answer, Grant) or answer.kind != "reconnect":
        return answer
    if not renewal.rows().exists():
        return None
    again = asked(renewal, call, afterwards)
    return answer if isinstance(again, Outcome) and again.kind == "reconnect" else again


@sensitive_variables()
def asked(renewal: Renewal, call: Call, afterwards: ExitStack) -> Grant | Outcome:
    """No transaction is open here."""
    connection, prefix = renewal.connection, renewal.prefix
    row = ConnectorApp.objects.filter(connector_key=connection.connector_key).first()
    try:
        known = credential_of(connection, row)
        pair = {key: known.secret[prefix + key] for key in PAIR if known.secret.get(prefix + key)}
        if "refresh_token" not in pair:
            return reconnect("no_refresh_token")
        app, known = row.open() if row else {}, replace(known, secret={**known.secret, **pair})
        request = connection.connector.refresh(app, known)
    except CannotOpen as error:
        return later("credential_unreadable", str(error))
    except KeyError as error:
        return later("app_incomplete", f"the connector app lacks {error}")
    answer = answered(renewal, request, known, call, afterwards)
    failpoint("O7")  # a refresh was answered, and is not stored
    return answer if isinstance(answer, Grant) else redacted(answer, [*secrets_in(known), *app.values()])


@sensitive_variables()
def answered(
    renewal: Renewal, request: Request, known: base.Credential, call: Call, afterwards: ExitStack
) -> Grant | Outcome:
    """Nothing of ours stands between the answer and its store."""
    connection, now = renewal.connection, renewal.now
    try:
        turn = afterwards.enter_context(spending(connection, request, now=now))
        answer = connection.connector.refreshed(call(request), known)
        afterwards.callback(turn.heard, answer)
        return answer
    except NotFree as spent:
        return later("throttled", str(spent), after=(spent.until - now).total_seconds())
    except Unsent as error:
        return later(error.reason, str(error))
    except (EgressError, Unreadable, KeyError, TypeError, ValueError) as error:
        return unknown("refresh_unanswered", str(error))
