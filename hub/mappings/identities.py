"""Identities: set and remove the pair of our record and the other system's; both write their audit
rows.
"""

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
    local_id: str,
    remote_id: str,
    actor: ActorContext,
    *,
    name: str = "",
    now: datetime,
) -> Identity:
    """Set the record of the other system for one of ours; an existing identity is replaced."""
    # two people at once set one after the other
    Connection.unscoped.select_for_update(of=("self",), no_key=True).get(pk=connection.pk)
    identity = Identity.unscoped.filter(connection=connection, kind=kind, local_id=local_id).first()
    before = {"remote_id": identity.remote_id} if identity else None
    identity = identity or Identity(
        connection=connection, kind=kind, local_id=local_id, created_at=now
    )
    identity.remote_id, identity.name = remote_id, name
    identity.updated_at = now
    identity.save()
    wake_up("drain", now=now)  # deliveries that were held before it may go
    after = {"kind": kind, "local_id": local_id, "remote_id": remote_id}
    actor.audit("connection.identify", connection, before=before, after=after, now=now)
    return identity


@transaction.atomic
def remove_identity(identity: Identity, actor: ActorContext, *, now: datetime) -> None:
    """Remove the identity; deliveries that need it from now on are held."""
    details = {
        "kind": identity.kind,
        "local_id": identity.local_id,
        "remote_id": identity.remote_id,
    }
    connection = identity.connection
    identity.delete()
    actor.audit("connection.forget", connection, before=details, now=now)
