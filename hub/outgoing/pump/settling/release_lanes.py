"""Release lanes whose batches are complete: end their lease, and set when each is due again."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import connection as database
from django.db import transaction

from hub.connections.models import Lane
from hub.db.prepared import PreparedQuery
from hub.outgoing.pump.settling import release_postgresql, release_sqlite

# A publisher that has not committed yet has locked its lanes (Lane.guard); those are due at once.
UNGUARDED_LANES = PreparedQuery(
    lambda *, ids, lease: (
        Lane.unscoped.filter(connection__id__any_of=ids, lease=lease)
        .select_for_update(skip_locked=True)
        .values_list("pk")
    )
)


def release_lanes(lease: UUID, lanes: Collection[int], *, now: datetime) -> None:
    """End the leases.

    A lane is due again with its first waiting delivery, or its first open quota queue.
    """
    if not lanes:
        return
    backend = release_postgresql if database.vendor == "postgresql" else release_sqlite
    with transaction.atomic(savepoint=False):
        unguarded_ids = [pk for (pk,) in UNGUARDED_LANES.fetch_rows(ids=list(lanes), lease=lease)]
        backend.update_released_lanes(lease, lanes, unguarded_ids, now=now)
