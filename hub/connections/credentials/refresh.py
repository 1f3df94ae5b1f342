"""Refresh an access token: claim by compare-and-swap, request, store the grant.

When a refresh is due is decided elsewhere: by `token_lifetimes.build_token` for a new token, and by
`Credential.await_refresh` for a rejected one. `refresh_started_at` is written before the request is
sent. If a process dies before it stores the new token, the column stays set, so the next refresh
records that a token may have been lost.
"""

from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from django.db.models import Q
from django.views.decorators.debug import sensitive_variables

from connectors.base import Grant
from connectors.outcomes import Outcome, later, reconnect, unknown
from hub.connections.credentials.connector_context import (
    collect_secrets,
    find_connector_app,
    iterate_texts,
    open_credential,
)
from hub.connections.credentials.provider_call import Call, call_provider
from hub.connections.credentials.refresh_result import (
    REFUSALS_TOLERATED,
    REFUSED_AGAIN,
    TOKEN_KEYS,
    Sleep,
    TokenRefresh,
)
from hub.connections.models import Connection, Credential
from hub.connections.token_lifetimes import MAIN_PREFIX, Random, Token
from hub.crypto.sealed import CannotOpen
from hub.processes.failpoints import failpoint

REFRESH_CLAIM = timedelta(seconds=30)  # longer than a refresh takes at most


def refresh_access_token(
    connection: Connection, *, call: Call, now: datetime, random: Random, sleep: Sleep
) -> bool:
    """Refresh the due token and release the lane; return whether a new token was stored.

    The quotas that the response reports are recorded after the token is stored.
    """
    credential = Credential.unscoped.get(connection=connection)
    if not _claim_refresh(credential, now=now):
        return False
    renewal = TokenRefresh(connection, credential, _choose_token_prefix(credential), now)
    if credential.refresh_started_at:
        renewal.record_event("unsure")
    with ExitStack() as deferred_updates:
        if credential.refusals >= REFUSALS_TOLERATED:
            renewal.degrade(REFUSED_AGAIN, "")
        answer = _request_confirmed_grant(renewal, call, deferred_updates)
        if isinstance(answer, Grant):
            return renewal.store_grant(answer, random=random, sleep=sleep)
        if answer is not None:
            renewal.apply_failure(answer)
        return False


def _claim_refresh(credential: Credential, *, now: datetime) -> bool:
    """Claim the refresh by compare-and-swap; record an earlier one that did not finish."""
    free = Q(refresh_lease_until=None) | Q(refresh_lease_until__lt=now)
    credentials = Credential.unscoped.filter(
        free,
        pk=credential.pk,
        version=credential.version,
        refresh_started_at=credential.refresh_started_at,
        refresh_due_at__lte=now,
    )
    credential.refresh_outcome_unknown_since = (
        credential.refresh_outcome_unknown_since or credential.refresh_started_at
    )
    return bool(
        credentials.update(
            refresh_lease_until=now + REFRESH_CLAIM,
            refresh_started_at=now,
            refresh_outcome_unknown_since=credential.refresh_outcome_unknown_since,
        )
    )


def _choose_token_prefix(credential: Credential) -> str:
    """Return the prefix of the token to refresh: the rejected one, else the first due."""
    due = {
        prefix: Token.from_json(token_data).refresh_due_at
        for prefix, token_data in credential.token_lifetimes.items()
    }
    due_by_prefix = {prefix: at for prefix, at in due.items() if at}
    return (
        MAIN_PREFIX
        if credential.rejected_at or not due_by_prefix
        else min(due_by_prefix, key=lambda prefix: due_by_prefix[prefix])
    )


def _request_confirmed_grant(
    renewal: TokenRefresh, call: Call, deferred_updates: ExitStack
) -> Grant | Outcome | None:
    """Request a grant; request it once more to confirm a response that the authorization has ended.

    Returns None if another document was stored meanwhile.
    """
    answer = _request_grant(renewal, call, deferred_updates)
    if isinstance(answer, Grant) or answer.kind != "reconnect":
        return answer
    if not renewal.query_unchanged_credential().exists():
        return None
    again = _request_grant(renewal, call, deferred_updates)
    return answer if isinstance(again, Outcome) and again.kind == "reconnect" else again


@sensitive_variables()
def _request_grant(
    renewal: TokenRefresh, call: Call, deferred_updates: ExitStack
) -> Grant | Outcome:
    """Send one refresh request.

    A lost or unreadable response is *unknown*, as the refresh token may be used up. No transaction
    is open, and the caller stores the grant before anything else.
    """
    connection, prefix = renewal.connection, renewal.prefix
    app = find_connector_app(connection.connector_key)
    try:
        credential = open_credential(connection, app)
        client = app.open() if app else {}
    except CannotOpen as error:
        return later("credential_unreadable", str(error))
    pair = {
        key: credential.secret[prefix + key]
        for key in TOKEN_KEYS
        if credential.secret.get(prefix + key)
    }
    if "refresh_token" not in pair:
        return reconnect("no_refresh_token")
    credential = replace(credential, secret={**credential.secret, **pair})
    answer = call_provider(
        connection,
        partial(connection.connector.refresh_request, client, credential),
        lambda response: connection.connector.parse_refresh(response, credential),
        call=call,
        now=renewal.now,
        secrets=[*collect_secrets(credential), *iterate_texts(client)],
        build_unanswered=unknown,
        build_unreadable=unknown,
        deferred_updates=deferred_updates,
        even_if_held=True,
    )
    failpoint("O7")  # a new token was received, and is not stored yet
    return answer
