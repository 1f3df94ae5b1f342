"""End a connection: what it lived on is given back and wiped; its history, and what came of it, stays."""

from datetime import datetime

from django.db import transaction
from django.db.models import Count, F, Max

from connectors.base import Grant
from hub import audit
from hub.connections import lives
from hub.connections.models import Connection, Credential, CredentialEvent
from hub.connections.revoke import give_up
from hub.operations import start
from hub.operations.start import Hand
from hub.secrets import seal

WAITING = ("waiting", "held")  # states of a delivery that a person may still cancel


def disconnect(
    connection: Connection, hand: Hand, *, reason: str = "", keeps_events: bool = True, now: datetime
) -> None:
    """What waits is held, until it is connected again or cancelled. Raises WrongState where somebody was first.

    `keeps_events`: what arrives from now on is held for it too; otherwise it is skipped.
    """
    before = {"state": connection.state, "account": connection.account}
    with transaction.atomic():
        give_up(connection, now=now)
        connection.disconnect(reason, keeps_events=keeps_events, now=now)
        Credential.unscoped.filter(connection=connection).update(
            sealed=seal({}, Credential.binding(connection)),
            version=F("version") + 1,
            updated_at=now,
            **lives.fresh(connection.connector, Grant({}), now=now, random=lambda: 0),
        )
        version = Credential.unscoped.values_list("version", flat=True).get(connection=connection)
        CredentialEvent.note(connection, "revoked", version=version, now=now)
        audit.record(
            verb="connection.disconnect",
            obj=connection,
            tenant=connection.tenant,
            reason=reason,
            before=before,
            after={"state": connection.state, "reason": connection.reason},
            now=now,
            **hand.said,
        )


def cancel_what_waits(connection: Connection, hand: Hand, *, now: datetime) -> int:
    """How many deliveries are cancelled, in the background. Raises start.Refused: then they stay held."""
    waiting = connection.deliveries.filter(state__in=WAITING).aggregate(count=Count("pk"), last=Max("pk"))
    if not waiting["count"]:
        return 0
    operation = start.keep(
        hand,
        kind="cancel",
        filter={"connection": str(connection.public_id)},
        tenant=connection.tenant,
        reason="it was disconnected",
        count=waiting["count"],
        last=waiting["last"],
        now=now,
    )
    start.confirm(operation, hand, now=now)
    return int(operation.count)
