"""The sources of a connection, and what proves that their changes arrive."""

from collections.abc import Collection
from datetime import datetime

from hub.connections.models import Connection
from hub.incoming.gaps.gap_states import cancel_gaps
from hub.incoming.models import InboundSource, SourceCanary, SourceRhythm

ACCOUNT_REPLACED = "account_replaced"
NO_PROOF = {"heard_at": None, "canary_heard_at": None, "listed_at": None, "read_until": None}
NO_CANARY = {
    "is_on": False,
    "state": SourceCanary.State.OFF,
    "due_at": None,
    "mark": "",
    "rounds": [],
}


def find_sources(connection_id: int, objects: Collection[str] | None = None) -> list[InboundSource]:
    """Return the sources of a connection that routes want, all or those of these objects."""
    sources = InboundSource.unscoped.filter(connection=connection_id, retired_at=None)
    if objects is not None:
        sources = sources.filter(object__in=objects)
    return list(sources.order_by("object"))


def lock_sources(connection_id: int | None) -> None:
    """Lock the sources of a connection in the order in which all do that change several."""
    sources = InboundSource.unscoped.filter(connection=connection_id).order_by("object")
    list(sources.select_for_update(no_key=True).values_list("pk", flat=True))


def note_listed(connection_id: int, objects: Collection[str], *, now: datetime) -> None:
    """Record that a check has found the registrations of these objects as they should be."""
    InboundSource.unscoped.filter(connection=connection_id, object__in=objects).update(
        listed_at=now
    )


def reset_sources(connection: Connection, *, now: datetime) -> None:
    """Forget what is known of a connection's former account, as another one is connected."""
    sources = list(InboundSource.unscoped.filter(connection=connection))
    cancel_gaps(sources, ACCOUNT_REPLACED, now=now)
    # the ids of their records stay, as these are deleted before the former tokens are revoked
    SourceCanary.unscoped.filter(source__in=sources).update(**NO_CANARY)
    SourceRhythm.unscoped.filter(source__in=sources).delete()
    InboundSource.unscoped.filter(connection=connection).update(
        **NO_PROOF, looked_at=None, state="listening", reason="", state_changed_at=now
    )
