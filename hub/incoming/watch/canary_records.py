"""Delete the records of canaries: switched off, made anew, or in an account that is left."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from connectors.outcomes import Outcome
from connectors.schema import Credential
from connectors.webhook_sources import Canary
from hub.connections.credentials.connector_context import collect_secrets
from hub.connections.credentials.provider_call import (
    NO_PATIENCE,
    Call,
    Patience,
    TimeSlice,
    call_provider,
)
from hub.connections.models import Connection
from hub.incoming.models import InboundSource, SourceCanary
from hub.incoming.registration.installation.address import find_former_url
from hub.incoming.registration.unregister import (
    REVOCATION_DELAY_MAX,
    build_former_connection,
    unregister_webhooks,
)

RETRIED_KINDS = ("later", "unknown", "refresh", "pending")


def find_definition(source: InboundSource) -> Canary | None:
    webhooks = source.connection.connector.webhook_source
    return webhooks.canaries.get(source.object) if webhooks else None


def forget_record(canary: SourceCanary) -> Mapping[str, Any]:
    """Return the columns of a canary without its record, whose deletion may be reported later."""
    return {"record": "", "former_record": canary.record, "made_at": None}


def delete_record(
    canary: SourceCanary,
    connection: Connection,
    credential: Credential,
    *,
    call: Call,
    now: datetime,
    patience: Patience = NO_PATIENCE,
    low_priority: bool = False,
) -> Outcome | None:
    """Delete the record of a canary; return why it remains, None if there is none any more.

    `connection`: the one through which the account is called. No transaction may be open.
    """
    definition = find_definition(canary.source)
    if definition is None or definition.is_passive or not canary.record:
        return None
    refusal = call_provider(
        connection,
        partial(definition.removal_request, credential, canary.record),
        definition.parse_removal,
        call=call,
        now=now,
        secrets=collect_secrets(credential),
        patience=patience,
        low_priority=low_priority,
    )
    if isinstance(refusal, Outcome):
        return refusal
    columns = forget_record(canary)
    SourceCanary.unscoped.filter(pk=canary.pk, record=canary.record).update(**columns)
    for name, value in columns.items():
        setattr(canary, name, value)
    return None


def clear_account(
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
    """Delete the records of canaries, then our webhooks, in an account that is left.

    Arguments, result and exceptions are those of `unregister_webhooks`. A record whose deletion the
    account refuses remains; a failure is retried for as long as webhooks are.
    """
    is_replaced = bool(account) and account != connection.account
    if (is_replaced or connection.is_disconnected) and not find_former_url():
        former = build_former_connection(connection, credential, account)
        canaries = SourceCanary.unscoped.filter(source__connection=connection).exclude(record="")
        if is_replaced:  # those of the new account are on
            canaries = canaries.filter(is_on=False)
        for canary in canaries.select_related("source__connection").order_by("pk"):
            now = time_slice.begin_call()
            refusal = delete_record(
                canary, former, credential, call=call, now=now, patience=patience
            )
            is_early = now < since + REVOCATION_DELAY_MAX
            if refusal is not None and refusal.kind in RETRIED_KINDS and is_early:
                return refusal
    return unregister_webhooks(
        connection,
        credential,
        since,
        account=account,
        call=call,
        time_slice=time_slice,
        patience=patience,
        progress=progress,
    )
