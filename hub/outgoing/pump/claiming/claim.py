"""Claim lanes and their due deliveries in one short transaction, which counts the attempt."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from connectors.registry import CONNECTORS
from hub.connections.models import (
    BREAKER,
    LANE_LEASES,
    Connection,
    Credential,
    Lane,
    sendable_lanes,
)
from hub.db import bulk
from hub.db.prepared import PreparedQuery
from hub.outgoing.models import Delivery
from hub.outgoing.pump.claiming.batch_sizing import (
    LARGE_BUDGET,
    SMALL_BUDGET,
    BatchSizing,
    ClaimBudget,
)
from hub.outgoing.pump.claiming.config_cache import ConfigCache
from hub.outgoing.pump.claiming.deliveries import Claim, claim_due_deliveries
from hub.outgoing.pump.claiming.recovery import recover_expired_leases
from hub.processes.failpoints import failpoint

MAX_DELIVERIES_PER_LANE = 800
# Fair queueing: a lane's virtual time advances by this for each delivery that it is given.
VIRTUAL_TIME_PER_DELIVERY = timedelta(seconds=0.25)


@dataclass(frozen=True, slots=True)
class ClaimedLane:
    """A leased lane with the deliveries that were claimed on it."""

    lane: Lane
    connection: Connection  # with its credential
    deliveries: Sequence[Claim]
    leased_at: datetime  # from when its lease counts: before the claim's statements


# --- lanes that can be claimed --------------------------------------------------------------------


def claimable_lanes(*, now: datetime) -> QuerySet[Lane]:
    """Select the lanes that are due, not held and not leased."""
    return sendable_lanes(now=now).filter(LANE_LEASES.is_free(now=now), due_at__lte=now)


def lock_next_lanes(lanes: QuerySet[Lane], limit: int) -> QuerySet[Lane]:
    """Return the lanes with the earliest virtual time, locked; without those locked by others."""
    locked = lanes.select_for_update(of=("self",), skip_locked=True, no_key=True)
    return locked.order_by("virtual_time", "pk")[:limit]


def deliveries_in_flight() -> QuerySet[Delivery]:
    """Select the deliveries that are being sent, by their leased lanes, of which there are few."""
    return Delivery.unscoped.filter(state="sending", connection__lane__lease__isnull=False)


ANY_CLAIMABLE_LANE = PreparedQuery(lambda *, now: claimable_lanes(now=now).values_list("pk")[:1])
NEXT_LANES = {
    SMALL_BUDGET: PreparedQuery(
        lambda *, now: lock_next_lanes(claimable_lanes(now=now), SMALL_BUDGET.lanes)
    ),
    LARGE_BUDGET: PreparedQuery(
        lambda *, now: lock_next_lanes(claimable_lanes(now=now), LARGE_BUDGET.lanes)
    ),
}
CONNECTIONS_BY_ID = PreparedQuery(lambda *, ids: Connection.unscoped.filter(id__any_of=ids))
CREDENTIALS_BY_CONNECTION = PreparedQuery(
    lambda *, ids: Credential.unscoped.filter(connection__id__any_of=ids)
)


def is_work_due(*, now: datetime) -> bool:
    """Return whether a lane can be claimed."""
    return bool(ANY_CLAIMABLE_LANE.fetch_rows(now=now))


# --- the claim ------------------------------------------------------------------------------------


def claim_lanes(
    lease: UUID,
    config: ConfigCache,
    sizing: BatchSizing,
    *,
    check_lease: Callable[[], None],
    now: datetime,
) -> list[ClaimedLane]:
    """Claim the next lanes in the order of their virtual time, within the claim's budget.

    `check_lease` is called before the commit, and raises what undoes the claim.
    """
    budget = sizing.claim_budget(now=now)
    with transaction.atomic():
        lanes = NEXT_LANES[budget].fetch_models(now=now)
        recover_expired_leases(lanes, now=now)
        lanes = lanes_within(lanes, budget, sizing)
        load_connections(lanes)
        max_rows_by_lane = {
            lane.pk: _delivery_limit(lane, sizing.rounds_for(lane.pk)) for lane in lanes
        }
        claims = claim_due_deliveries(max_rows_by_lane, lease, config, now=now)
        claimed_lanes = lease_lanes(lease, lanes, claims, now=now)
        check_lease()
    failpoint("O1")  # after the claim's commit
    sizing.observe_claim(
        (
            len(claimed_lane.deliveries) > claimed_lane.lane.in_flight
            for claimed_lane in claimed_lanes
        ),
        now=now,
    )
    return claimed_lanes


def recover_held_lanes(*, now: datetime) -> None:
    """End the expired leases of lanes that are held.

    No claim takes these lanes, so the deliveries of a dead pump would stay *sending* until the hold
    ends.
    """
    sendable = sendable_lanes(now=now).values("pk")
    held_lanes = LANE_LEASES.expired(now=now).exclude(pk__in=sendable)
    with transaction.atomic():
        locked = held_lanes.select_for_update(of=("self",), skip_locked=True, no_key=True)
        lanes = list(locked.order_by("pk")[: LARGE_BUDGET.lanes])
        recover_expired_leases(lanes, now=now)
        Lane.unscoped.filter(pk__in=[lane.pk for lane in lanes]).update(**LANE_LEASES.released)


def lanes_within(lanes: list[Lane], budget: ClaimBudget, sizing: BatchSizing) -> list[Lane]:
    """Return the first lanes whose batches fit into the budget, at least one."""
    totals = accumulate(lane.in_flight * sizing.rounds_for(lane.pk) for lane in lanes)
    within = [lane for lane, total in zip(lanes, totals, strict=True) if total <= budget.deliveries]
    return within or lanes[:1]


def load_connections(lanes: Sequence[Lane]) -> None:
    """Load the connection of each lane, with its credential."""
    ids = [lane.pk for lane in lanes]
    connections = {
        connection.pk: connection for connection in CONNECTIONS_BY_ID.fetch_models(ids=ids)
    }
    for credential in CREDENTIALS_BY_CONNECTION.fetch_models(ids=ids):
        # sets connection.credential as well
        credential.connection = connections[credential.connection_id]
    for lane in lanes:
        lane.connection = connections[lane.pk]


def _delivery_limit(lane: Lane, rounds: int) -> int:
    """Return how many deliveries a batch may hold: some rounds of calls in flight or full requests.

    It is 1 for the probe of an open breaker.
    """
    if lane.hold_reason == BREAKER:
        return 1
    connector = CONNECTORS.get(lane.connection.connector_key)
    batch_size = (
        max((action.batch_size_max for action in connector.actions), default=1) if connector else 1
    )
    return min(MAX_DELIVERIES_PER_LANE, lane.in_flight * max(rounds, batch_size))


def lease_lanes(
    lease: UUID, lanes: Sequence[Lane], claims: Sequence[Claim], *, now: datetime
) -> list[ClaimedLane]:
    """Lease the lanes and advance their virtual time; they stay due for the case of a crash."""
    claims_by_lane: dict[int, list[Claim]] = {lane.pk: [] for lane in lanes}
    for claim in claims:
        delivery, _ = claim
        claims_by_lane[delivery.connection_id].append(claim)
    count = len(lanes)
    columns: dict[str, Sequence[Any]] = {
        **{name: [value] * count for name, value in LANE_LEASES.columns(lease, now=now).items()},
        "virtual_time": [
            now + VIRTUAL_TIME_PER_DELIVERY * len(lane_claims)
            for lane_claims in claims_by_lane.values()
        ],
        "due_at": [now] * count,
    }
    bulk.update_rows(Lane, list(claims_by_lane), columns)
    return [ClaimedLane(lane, lane.connection, claims_by_lane[lane.pk], now) for lane in lanes]


def correct_virtual_time(lease: UUID, sent_counts: Mapping[int, int], *, now: datetime) -> None:
    """Charge only what is sent: waiting for a quota does not delay the next turn of a lane."""
    if sent_counts:
        virtual_times = [now + VIRTUAL_TIME_PER_DELIVERY * count for count in sent_counts.values()]
        bulk.update_rows(
            Lane, list(sent_counts), {"virtual_time": virtual_times}, only={"lease": lease}
        )
