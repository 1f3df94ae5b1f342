"""Remove our webhooks of an account before its authorization is revoked."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from connectors.outcomes import Outcome
from connectors.schema import Credential
from hub.connections.credentials.provider_call import Call, ExchangeKeeper, Patience
from hub.connections.models import Connection
from hub.crypto.sealed import CannotOpen
from hub.db.clock import Clock
from hub.incoming.endpoints.create import endpoint_urls
from hub.incoming.models import InboundEndpoint, WebhookSubscription
from hub.incoming.registration.calls import RegistrationCalls

REVOCATION_DELAY_MAX = timedelta(minutes=10)  # of a revocation, for the removal of webhooks


def unregister_webhooks(
    connection: Connection,
    credential: Credential,
    since: datetime,
    *,
    account: str,
    call: Call,
    clock: Clock,
    patience: Patience,
) -> Outcome | None:
    """Remove the registrations at an account that was disconnected or replaced by another one.

    `credential`: the last one of the account. Returns None if the authorization may be revoked now
    (all are removed, or REVOCATION_DELAY_MAX is over since then), otherwise the Outcome of what
    failed. No transaction may be open: the system is called.
    """
    subscriptions = connection.connector.subscriptions
    if subscriptions is None or subscriptions.is_manual:
        return None
    is_replaced = bool(account) and account != connection.account
    if not (is_replaced or connection.is_disconnected):
        return None
    former = _build_former_connection(connection, credential, account)
    urls = _list_urls(connection)
    if is_replaced and not urls:  # no webhook can have been registered
        return None
    keeper = ExchangeKeeper(call)
    calls = RegistrationCalls(former, subscriptions, credential, keeper, clock, patience)
    rows = WebhookSubscription.unscoped.filter(endpoint__connection=connection)
    if is_replaced:  # the rows are of the new account
        outcome = _remove_all(calls, [], urls)
    else:
        outcome = _remove_all(calls, rows, urls) if rows else None
        if outcome is None:
            rows.delete()
    return None if clock() - since >= REVOCATION_DELAY_MAX else outcome


def _build_former_connection(
    connection: Connection, credential: Credential, account: str
) -> Connection:
    """Return the connection as it was with this account, unsaved: its quotas are the account's."""
    return Connection(
        tenant_id=connection.tenant_id,
        connector_key=connection.connector_key,
        account=account,
        settings=dict(credential.settings),
    )


def _remove_all(
    calls: RegistrationCalls, rows: Iterable[WebhookSubscription], urls: tuple[str, ...]
) -> Outcome | None:
    """Remove what has a stored id or our URL; return the Outcome of what failed."""
    registrations = calls.list_all()
    if isinstance(registrations, Outcome):
        return registrations
    stored_ids = {row.external_id for row in rows}
    for entry in registrations:
        is_ours = entry.external_id in stored_ids or entry.url.startswith(urls)
        if is_ours and (outcome := calls.remove(entry.external_id)) is not None:
            return outcome
    return None


def _list_urls(connection: Connection) -> tuple[str, ...]:
    endpoint = InboundEndpoint.unscoped.filter(connection=connection).first()
    try:
        return tuple(endpoint_urls(endpoint)) if endpoint else ()
    except CannotOpen:
        return ()
