"""Make calls with the tokens of a revocation: revoke them, and refresh them if they expired."""

from collections.abc import Mapping
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from typing import Any

from django.views.decorators.debug import sensitive_variables

from connectors import schema
from connectors.base import Grant
from connectors.oauth import OAuth
from connectors.outcomes import Outcome, delivered, later
from connectors.registry import CONNECTORS
from hub.connections.credentials.connector_context import (
    build_credential,
    collect_secrets,
    find_connector_app,
    iterate_texts,
)
from hub.connections.credentials.provider_call import Call, TimeSlice, call_provider
from hub.connections.models import Connection, ConnectorApp, Revocation
from hub.crypto.sealed import CannotOpen, seal

# of the progress of an attempt: what happened to the access token
TOKEN, REJECTED, REFRESHED = "token", "rejected", "refreshed"
# reasons that do not show whether the grant ended
INCONCLUSIVE_REASONS = {"other_account", "no_access_token"}


@sensitive_variables()
def revoke_at_provider(
    revocation: Revocation, call: Call, time_slice: TimeSlice, progress: dict[str, Any]
) -> Outcome:
    """Revoke the tokens; if the access token has expired, refresh it first, once.

    `progress`: of earlier time slices, updated. Raises TimeSliceEnded.
    """
    app = find_connector_app(revocation.connector_key)
    try:
        if progress.get(TOKEN) != REJECTED:
            outcome = _send_revoke_request(revocation, app, call, time_slice)
            if outcome.kind != "refresh":
                return outcome
            if progress.get(TOKEN) == REFRESHED:
                return later("not_revoked", outcome.detail or outcome.reason)
            if not revocation.open()["secret"].get("refresh_token"):
                return delivered()  # neither token is valid any more
            progress[TOKEN] = REJECTED
        grant = refresh_for_revocation(revocation, app, call, time_slice)
        if isinstance(grant, Outcome):
            is_ended = grant.kind == "reconnect" and grant.reason not in INCONCLUSIVE_REASONS
            return delivered() if is_ended else later("not_revoked", grant.detail or grant.reason)
        progress[TOKEN] = REFRESHED
        return revoke_at_provider(revocation, call, time_slice, progress)
    except (CannotOpen, LookupError) as error:
        return later("not_revoked", type(error).__name__)


@sensitive_variables()
def _send_revoke_request(
    revocation: Revocation, app: ConnectorApp | None, call: Call, time_slice: TimeSlice
) -> Outcome:
    connection, credential, client = open_revocation(revocation, app)
    connector = _get_oauth_connector(revocation)
    return call_provider(
        connection,
        partial(connector.revoke_request, client, credential),
        connector.parse_revoke,
        call=call,
        now=time_slice.begin_call(),
        secrets=[*collect_secrets(credential), *iterate_texts(client)],
        build_unreadable=later,
    )


@sensitive_variables()
def refresh_for_revocation(
    revocation: Revocation, app: ConnectorApp | None, call: Call, time_slice: TimeSlice
) -> Grant | Outcome:
    """Refresh the access token for the revocation, and store the grant in it.

    The refresh token may be used up by the request.
    """
    connection, credential, client = open_revocation(revocation, app)
    with ExitStack() as deferred_updates:
        answer = request_new_grant(
            connection,
            credential,
            client,
            call=call,
            now=time_slice.begin_call(),
            deferred_updates=deferred_updates,
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
def open_revocation(
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
