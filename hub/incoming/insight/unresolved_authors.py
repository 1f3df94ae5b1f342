"""External users who caused items, and have no identity that pairs them with a user of ours."""

from collections import Counter
from dataclasses import dataclass

from hub.connections.models import Connection
from hub.incoming.models import InboundItem
from hub.incoming.processing.attribution import USER
from hub.mappings.models import Identity

ITEMS_SEARCHED = 1_000  # the newest of a connection
AUTHORS_LISTED = 20


@dataclass(frozen=True, slots=True)
class UnresolvedAuthor:
    """An external user, with the number of their items among the newest ITEMS_SEARCHED."""

    remote_id: str
    item_count: int


def list_unresolved_authors(connection: Connection) -> list[UnresolvedAuthor]:
    """Return the authors without an identity, those with the most items first; two queries."""
    newest = InboundItem.unscoped.filter(connection=connection).order_by("-pk")
    counts = Counter(filter(None, newest.values_list("author", flat=True)[:ITEMS_SEARCHED]))
    if not counts:
        return []
    known_identities = Identity.confirmed().filter(
        connection=connection, kind=USER, remote_id__in=counts
    )
    for remote_id in known_identities.values_list("remote_id", flat=True):
        counts.pop(remote_id, None)
    return [UnresolvedAuthor(*entry) for entry in counts.most_common(AUTHORS_LISTED)]
