"""Say which record of theirs is meant by one of ours, or no longer: with its row in the audit of the connection."""

from datetime import datetime

from django.db import transaction

from hub.audit import ActorContext
from hub.connections.models import Connection
from hub.mappings.models import Identity
from hub.queue import wake_up


@transaction.atomic
def set_identity(
    connection: Connection,
    kind: str,
    ours: str,
    theirs: str,
    actor: ActorContext,
    *,
    name: str = "",
    now: datetime,
) -> Identity:
    """There is one for each of ours: what was told before is replaced."""
    Connection.unscoped.select_for_update(of=("self",), no_key=True).get(
        pk=connection.pk
    )  # two people at once tell one after other
    identity = Identity.unscoped.filter(connection=connection, kind=kind, ours=ours).first()
    before = identity and {"theirs": identity.theirs}
    identity = identity or Identity(connection=connection, kind=kind, ours=ours, created_at=now)
    identity.theirs, identity.name = theirs, name
    mark_identity_changed(identity, now=now)
    identity.save()
    details = {"kind": kind, "ours": ours, "theirs": theirs}
    actor.audit(
        "connection.identify",
        connection,
        tenant=connection.tenant,
        before=before,
        after=details,
        now=now,
    )
    return identity


def mark_identity_changed(identity: Identity, *, now: datetime) -> None:
    """What was held for want of it looks for pairs that are younger than itself."""
    identity.updated_at = now
    wake_up("drain", now=now)


@transaction.atomic
def remove_identity(identity: Identity, actor: ActorContext, *, now: datetime) -> None:
    """What needs it from now on is held."""
    details = {"kind": identity.kind, "ours": identity.ours, "theirs": identity.theirs}
    connection = identity.connection
    identity.delete()
    actor.audit("connection.forget", connection, tenant=connection.tenant, before=details, now=now)
