"""Remove our webhooks from an account before its authorization is revoked."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from connectors.outcomes import Outcome, later
from connectors.schema import Credential
from hub.connections.credentials.provider_call import (
    Call,
    ExchangeRecorder,
    Patience,
    TimeSlice,
    TimeSliceEnded,
)
from hub.connections.models import Connection
from hub.crypto.sealed import CannotOpen
from hub.incoming.endpoints.create import endpoint_urls
from hub.incoming.models import InboundEndpoint, WebhookSubscription
from hub.incoming.registration.calls import RegistrationCalls
from hub.incoming.registration.compare import Comparison
from hub.incoming.registration.installation.address import find_former_url
from hub.incoming.registration.installation.own_urls import remove_query
from hub.incoming.registration.lease import RegistrationLeaseLost, removal_lease
from hub.incoming.registration.progress import RegistrationProgress, identify_plan

CHECK_RUNNING = "check_running"
REVOCATION_DELAY_MAX = timedelta(minutes=10)  # of a revocation, for the removal of webhooks


def unregister_webhooks(
    connection: Connection,
    credential: Credential,
    since: datetime,
    *,
    account: str,
    call: Call,
    time_slice: TimeSlice,
    patience: Patience,
    progress: dict[str, Any],
) -> Outcome | None:
    """Remove the registrations from an account that was disconnected or replaced.

    `credential`: the last one of the account. Returns None if the authorization may be revoked now
    (all are removed, or REVOCATION_DELAY_MAX has passed), otherwise the Outcome of the failure. It
    waits for a running check, so that it finds what the check has created. Webhooks that may belong
    to another installation are not removed. Calls the external system, so no transaction may be
    open.

    `progress`: the document of an earlier time slice, which is continued; it is updated when this
    one ends, which raises TimeSliceEnded.
    """
    clock, delayed_until = time_slice.clock, since + REVOCATION_DELAY_MAX
    subscriptions = connection.connector.subscriptions
    if subscriptions is None or subscriptions.is_manual:
        return None
    is_replaced = bool(account) and account != connection.account
    endpoint = InboundEndpoint.unscoped.filter(connection=connection).first()
    if not (is_replaced or connection.is_disconnected) or endpoint is None or find_former_url():
        return None
    former = build_former_connection(connection, credential, account)
    # a check that ran meanwhile may have created others for the same account
    plan = identify_plan(account, None if is_replaced else endpoint.planned_at)
    outcome: Outcome | None = later(CHECK_RUNNING)
    with suppress(RegistrationLeaseLost), removal_lease(endpoint, clock) as lease:
        calls = RegistrationCalls(
            former,
            subscriptions,
            credential,
            ExchangeRecorder(call),
            time_slice,
            patience,
            lambda: lease.extend(now=clock()),
            RegistrationProgress.load(progress, plan),
        )
        try:
            outcome = _remove_registrations(calls, endpoint, is_replaced=is_replaced)
        except TimeSliceEnded:
            progress |= calls.progress.build_document()
            if clock() < delayed_until:
                raise
    return outcome if clock() < delayed_until else None


def _remove_registrations(
    calls: RegistrationCalls, endpoint: InboundEndpoint, *, is_replaced: bool
) -> Outcome | None:
    """Remove the registrations of an endpoint, and the rows of a disconnected account.

    `is_replaced`: the rows belong to the new account. Raises RegistrationLeaseLost.
    """
    urls, rows = _list_urls(endpoint), WebhookSubscription.unscoped.filter(endpoint=endpoint)
    if is_replaced:
        return _remove_all(calls, [], urls) if urls else None
    outcome = _remove_all(calls, rows, urls) if rows else None
    if outcome is None:
        rows.delete()
    return outcome


def build_former_connection(
    connection: Connection, credential: Credential, account: str
) -> Connection:
    """Return the unsaved connection with this account, as the quotas belong to the account."""
    return Connection(
        tenant_id=connection.tenant_id,
        connector_key=connection.connector_key,
        account=account,
        settings=dict(credential.settings),
    )


def _remove_all(
    calls: RegistrationCalls, rows: Iterable[WebhookSubscription], urls: tuple[str, ...]
) -> Outcome | None:
    """Remove registrations with a stored id or our URL; return the Outcome of the first failure."""
    comparison = calls.progress.comparison
    if comparison is None:
        registrations = calls.list_all()
        if isinstance(registrations, Outcome):
            return registrations
        stored_ids = {row.external_id for row in rows}
        comparison = Comparison(
            orphans=[
                entry
                for entry in registrations
                if entry.external_id in stored_ids or remove_query(entry.url) in urls
            ]
        )
        calls.progress.start_changes(comparison)
    while comparison.orphans:
        if (outcome := calls.remove(comparison.orphans[0].external_id)) is not None:
            return outcome
        del comparison.orphans[0]
    return None


def _list_urls(endpoint: InboundEndpoint) -> tuple[str, ...]:
    try:
        return tuple(endpoint_urls(endpoint))
    except CannotOpen:
        return ()
