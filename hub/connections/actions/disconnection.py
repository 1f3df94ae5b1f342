"""Disconnect: revoke and wipe the credential; history and deliveries stay."""

from datetime import datetime

from django.db import transaction
from django.db.models import Count, F, Max

from connectors.base import Grant
from hub.audit import ActorContext
from hub.connections import token_lifetimes
from hub.connections.credentials.revocation_schedule import schedule_connection_revocation
from hub.connections.models import Connection, Credential, CredentialEvent
from hub.crypto.sealed import seal
from hub.operations import operation_actions

CANCELLABLE_DELIVERY_STATES = ("waiting", "held")


def disconnect_account(
    connection: Connection,
    actor: ActorContext,
    *,
    reason: str = "",
    keeps_events: bool = True,
    now: datetime,
) -> None:
    """Revoke and wipe the credential, and hold the waiting deliveries.

    `keeps_events`: whether new deliveries are held too; otherwise they are skipped. Raises
    InvalidTransition if the connection is disconnected already, or has changed meanwhile.
    """
    before = {"state": connection.state, "account": connection.account}
    with transaction.atomic():
        schedule_connection_revocation(connection, now=now)
        connection.disconnect(reason, keeps_events=keeps_events, now=now)
        Credential.unscoped.filter(connection=connection).update(
            sealed=seal({}, Credential.binding(connection)),
            version=F("version") + 1,
            updated_at=now,
            **token_lifetimes.build_fresh_columns(
                connection.connector, Grant({}), now=now, random=lambda: 0
            ),
        )
        version = Credential.unscoped.values_list("version", flat=True).get(connection=connection)
        CredentialEvent.record_event(connection, "revoked", version=version, now=now)
        actor.audit(
            "connection.disconnect",
            connection,
            tenant=connection.tenant,
            reason=reason,
            before=before,
            after={"state": connection.state, "reason": connection.reason},
            now=now,
        )


def cancel_waiting_deliveries(connection: Connection, actor: ActorContext, *, now: datetime) -> int:
    """Start an operation that cancels the connection's deliveries; return their number.

    Raises OperationRefused if it cannot start; the deliveries stay held.
    """
    waiting = connection.deliveries.filter(state__in=CANCELLABLE_DELIVERY_STATES).aggregate(
        count=Count("pk"), last=Max("pk")
    )
    if not waiting["count"]:
        return 0
    operation = operation_actions.store_plan(
        actor,
        kind="cancel",
        filter={"connection": str(connection.public_id)},
        tenant=connection.tenant,
        reason="it was disconnected",
        count=waiting["count"],
        last=waiting["last"],
        now=now,
    )
    operation_actions.confirm_operation(operation, actor, now=now)
    return int(operation.count)
