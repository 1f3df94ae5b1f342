"""Claim suspects: deliveries that were in flight at several crashes in a row, perhaps the cause."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from hub.connections.models import LANE_LEASES, sendable_lanes
from hub.db.prepared import PreparedQuery
from hub.outgoing.models import Delivery
from hub.outgoing.pump.claiming.claim import (
    ClaimedLane,
    lease_lanes,
    load_connections,
    lock_next_lanes,
)
from hub.outgoing.pump.claiming.config_cache import ConfigCache
from hub.outgoing.pump.claiming.crash_limits import (
    MAX_SUSPECT_GROUP,
    SUSPECT_CRASHES,
    SUSPECT_GROUP_BY_CRASHES,
)
from hub.outgoing.pump.claiming.deliveries import claim_deliveries_by_id
from hub.outgoing.pump.claiming.recovery import recover_expired_leases


def suspect_deliveries(*, now: datetime) -> QuerySet[Delivery]:
    """Select the due deliveries that crashed too often to be sent together with others."""
    return Delivery.unscoped.filter(
        state="waiting", due_at__lte=now, crash_count__gte=SUSPECT_CRASHES
    )


ANY_SENDABLE_SUSPECT = PreparedQuery(
    lambda *, now: (
        suspect_deliveries(now=now)
        .filter(connection__lane__in=sendable_lanes(now=now))
        .values_list("pk")[:1]
    )
)


def has_waiting_suspects(*, now: datetime) -> bool:
    """Return whether a suspect is due on a lane that is not held."""
    return bool(ANY_SENDABLE_SUSPECT.fetch_rows(now=now))


def claim_suspects(
    lease: UUID, config: ConfigCache, *, check_lease: Callable[[], None], now: datetime
) -> list[ClaimedLane]:
    """Claim a group of the suspects with the most crashes: the more crashes, the fewer together.

    `check_lease` is called before the commit, and raises what undoes the claim.
    """
    with transaction.atomic():
        lane_suspects = suspect_deliveries(now=now).filter(connection=OuterRef("pk"))
        lanes_with_suspects = sendable_lanes(now=now).filter(
            LANE_LEASES.is_free(now=now), Exists(lane_suspects)
        )
        lanes = list(lock_next_lanes(lanes_with_suspects, MAX_SUSPECT_GROUP))
        recover_expired_leases(lanes, now=now)
        connection_by_suspect = _choose_suspects([lane.pk for lane in lanes], now=now)
        connection_ids = set(connection_by_suspect.values())
        lanes = [lane for lane in lanes if lane.pk in connection_ids]
        load_connections(lanes)
        claims = claim_deliveries_by_id(list(connection_by_suspect), lease, config, now=now)
        claimed_lanes = lease_lanes(lease, lanes, claims, now=now)
        check_lease()
    return claimed_lanes


def _choose_suspects(lanes: list[int], *, now: datetime) -> dict[int, int | None]:
    """Return the ids of the deliveries that are claimed next, with their connections."""
    worst_first = suspect_deliveries(now=now).filter(connection__in=lanes)
    candidates = list(
        worst_first.order_by("-crash_count", "due_at").values_list(
            "pk", "connection", "crash_count"
        )[:MAX_SUSPECT_GROUP]
    )
    if not candidates:
        return {}
    most_crashes = candidates[0][2]
    group = [candidate for candidate in candidates if candidate[2] == most_crashes]
    size = SUSPECT_GROUP_BY_CRASHES.get(most_crashes, 1)
    return {pk: connection for pk, connection, _ in group[:size]}
