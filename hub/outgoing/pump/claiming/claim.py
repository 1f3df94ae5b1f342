"""Claim lanes and what is due on them, in one short transaction; the attempt is counted here."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import accumulate
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from connectors.registry import CONNECTORS
from hub.connections.models import BREAKER, Connection, Credential, Lane
from hub.db import bulk
from hub.db.prepared import PreparedQuery
from hub.metrics import counters
from hub.outgoing.models import Attempt, Delivery
from hub.outgoing.pump.claiming.batch_sizing import (
    LARGE_BUDGET,
    SMALL_BUDGET,
    BatchSizing,
    ClaimBudget,
)
from hub.outgoing.pump.claiming.claim_sql import (
    SUSPECT_CRASHES,
    ClaimedDelivery,
    claim_deliveries_by_id,
    claim_due_deliveries,
)
from hub.outgoing.pump.claiming.config_cache import ConfigCache
from hub.processes.failpoints import failpoint

LANE_LEASE = timedelta(seconds=12)
MAX_DELIVERIES_PER_LANE = 800
VIRTUAL_TIME_PER_DELIVERY = timedelta(
    seconds=0.25
)  # for each delivery of its slice a lane stands back: who asks for little waits little
MAX_CRASHES = 5  # claims in a row that ended without an outcome; then the row is failed
SUSPECT_BATCH = 32  # suspects that go together the first time; after that each goes alone


@dataclass(slots=True)
class ClaimedLane:
    """Some due deliveries of one lane, claimed together."""

    lane: Lane
    connection: Connection
    deliveries: list[ClaimedDelivery] = field(default_factory=list)


def is_work_due(*, now: datetime) -> bool:
    return bool(ANY_CLAIMABLE_LANE.fetch_rows(now=now))


def claimable_lanes(*, now: datetime) -> QuerySet[Lane]:
    return _unleased_lanes(_sendable_lanes(now=now), now=now).filter(due_at__lte=now)


def _sendable_lanes(*, now: datetime) -> QuerySet[Lane]:
    """Lanes that nothing holds; one whose breaker has rested is open for a probe."""
    unheld = Q(hold_reason="") | Q(hold_reason=BREAKER, open_until__lte=now)
    return Lane.unscoped.filter(unheld, switched_off_by="", connection__tenant__suspended_at=None)


def _unleased_lanes(lanes: QuerySet[Lane], *, now: datetime) -> QuerySet[Lane]:
    return lanes.filter(Q(lease_until=None) | Q(lease_until__lt=now))


def deliveries_in_flight() -> QuerySet[Delivery]:
    """What is being sent: it stands on lanes that a pump holds, and those are few."""
    return Delivery.unscoped.filter(state="sending", connection__lane__lease__isnull=False)


ANY_CLAIMABLE_LANE = PreparedQuery(lambda *, now: claimable_lanes(now=now).values_list("pk")[:1])
NEXT_LANES = {
    SMALL_BUDGET: PreparedQuery(
        lambda *, now: _lock_next_lanes(claimable_lanes(now=now), SMALL_BUDGET.lanes)
    ),
    LARGE_BUDGET: PreparedQuery(
        lambda *, now: _lock_next_lanes(claimable_lanes(now=now), LARGE_BUDGET.lanes)
    ),
}
CONNECTIONS_BY_ID = PreparedQuery(lambda *, ids: Connection.unscoped.filter(id__any_of=ids))
CREDENTIALS_BY_CONNECTION = PreparedQuery(
    lambda *, ids: Credential.unscoped.filter(connection__id__any_of=ids)
)


def claim_lanes(
    lease: UUID, config: ConfigCache, sizing: BatchSizing, *, now: datetime
) -> list[ClaimedLane]:
    """Lanes with a slice of what is due on each, the oldest turn first, until they hold a claim's measure."""
    budget = sizing.claim_budget(now=now)
    with transaction.atomic():
        lanes = NEXT_LANES[budget].fetch_models(now=now)
        _recover_expired_leases(lanes, now=now)
        claimed_lanes = _load_claimed_lanes(lanes_within(lanes, budget, sizing))
        limits = {
            pk: _delivery_limit(claimed_lane, sizing.rounds_for(pk))
            for pk, claimed_lane in claimed_lanes.items()
        }
        _assign_deliveries(claimed_lanes, claim_due_deliveries(limits, lease, config, now=now))
        _lease_lanes(lease, claimed_lanes, now=now)
    failpoint("O1")  # after the claim's commit
    sizing.observe_claim(
        (
            len(claimed_lane.deliveries) > claimed_lane.lane.in_flight
            for claimed_lane in claimed_lanes.values()
        ),
        now=now,
    )
    return list(claimed_lanes.values())


def lanes_within(lanes: list[Lane], budget: ClaimBudget, sizing: BatchSizing) -> list[Lane]:
    """So many that they hold the measure and no more; one at least."""
    delivery_totals = accumulate(lane.in_flight * sizing.rounds_for(lane.pk) for lane in lanes)
    return [
        lane
        for lane, total in zip(lanes, delivery_totals, strict=True)
        if total <= budget.deliveries
    ] or lanes[:1]


def _lock_next_lanes(lanes: QuerySet[Lane], limit: int) -> QuerySet[Lane]:
    """Nobody else claims these until the transaction ends."""
    return lanes.select_for_update(of=("self",), skip_locked=True, no_key=True).order_by(
        "virtual_time", "pk"
    )[:limit]


def _load_claimed_lanes(lanes: Sequence[Lane]) -> dict[int, ClaimedLane]:
    ids = [lane.pk for lane in lanes]
    connections = {
        connection.pk: connection for connection in CONNECTIONS_BY_ID.fetch_models(ids=ids)
    }
    for credential in CREDENTIALS_BY_CONNECTION.fetch_models(ids=ids):
        credential.connection = connections[
            credential.connection_id
        ]  # and it is that one's credential
    return {lane.pk: ClaimedLane(lane, connections[lane.pk]) for lane in lanes}


def _assign_deliveries(
    claimed_lanes: Mapping[int, ClaimedLane], deliveries: Sequence[ClaimedDelivery]
) -> None:
    for delivery in deliveries:
        claimed_lanes[delivery.connection_id].deliveries.append(delivery)


def _lease_lanes(lease: UUID, claimed_lanes: Mapping[int, ClaimedLane], *, now: datetime) -> None:
    count = len(claimed_lanes)
    columns = {
        "lease": [lease] * count,
        "lease_until": [now + LANE_LEASE] * count,
        "virtual_time": [
            now + VIRTUAL_TIME_PER_DELIVERY * len(claimed_lane.deliveries)
            for claimed_lane in claimed_lanes.values()
        ],
        # due, whatever is taken: so it is found, and recovered, when its pump dies
        "due_at": [now] * count,
    }
    bulk.update_rows(Lane, list(claimed_lanes), columns)


def correct_virtual_time(lease: UUID, sent_counts: Mapping[int, int], *, now: datetime) -> None:
    """Of lanes of which some deliveries wait for a quota: what they were not given does not put them back in turn."""
    if sent_counts:
        virtual_times = [now + VIRTUAL_TIME_PER_DELIVERY * count for count in sent_counts.values()]
        bulk.update_rows(
            Lane, list(sent_counts), {"virtual_time": virtual_times}, only={"lease": lease}
        )


def _delivery_limit(claimed_lane: ClaimedLane, rounds: int) -> int:
    """How many deliveries a slice may hold: some rounds of what may be in flight, or of full batches.

    One where it is to show whether the endpoint is up again.
    """
    if claimed_lane.lane.hold_reason == BREAKER:
        return 1
    connector = CONNECTORS.get(claimed_lane.connection.connector_key)
    batch_size = max((action.batch for action in connector.actions), default=1) if connector else 1
    return min(MAX_DELIVERIES_PER_LANE, claimed_lane.lane.in_flight * max(rounds, batch_size))


# --- what may have killed the pumps before ---------------------------------------------------------------------------


def _suspect_deliveries(*, now: datetime) -> QuerySet[Delivery]:
    """What was in flight at several deaths in a row; the pump has nothing else in its hands while it sends these."""
    return Delivery.unscoped.filter(
        state="waiting", due_at__lte=now, crash_count__gte=SUSPECT_CRASHES
    )


ANY_SUSPECT = PreparedQuery(
    lambda *, now: (
        _suspect_deliveries(now=now)
        .filter(connection__lane__in=_sendable_lanes(now=now))
        .values_list("pk")[:1]
    )
)


def has_waiting_suspects(*, now: datetime) -> bool:
    return bool(ANY_SUSPECT.fetch_rows(now=now))


def claim_suspects(lease: UUID, config: ConfigCache, *, now: datetime) -> list[ClaimedLane]:
    """Some that died together for the second time, or one of which more is known."""
    with transaction.atomic():
        lane_suspects = _suspect_deliveries(now=now).filter(connection=OuterRef("pk"))
        lanes = {
            lane.pk: lane
            for lane in _lock_next_lanes(
                _unleased_lanes(_sendable_lanes(now=now), now=now).filter(Exists(lane_suspects)),
                SUSPECT_BATCH,
            )
        }
        _recover_expired_leases(list(lanes.values()), now=now)
        worst_first = (
            _suspect_deliveries(now=now)
            .filter(connection__in=lanes)
            .order_by("-crash_count", "due_at")
        )
        candidates = list(
            worst_first.values_list("pk", "connection", "crash_count")[:SUSPECT_BATCH]
        )
        if candidates and candidates[0][2] > SUSPECT_CRASHES:
            candidates = candidates[:1]
        connection_ids = {connection for _, connection, _ in candidates}
        claimed_lanes = _load_claimed_lanes(
            [lane for pk, lane in lanes.items() if pk in connection_ids]
        )
        _assign_deliveries(
            claimed_lanes,
            claim_deliveries_by_id([pk for pk, _, _ in candidates], lease, config, now=now),
        )
        _lease_lanes(lease, claimed_lanes, now=now)
    return list(claimed_lanes.values())


def _recover_expired_leases(lanes: Sequence[Lane], *, now: datetime) -> None:
    """Where a pump died: what it was sending may have arrived, and goes again; what died too often is failed."""
    expired_lanes = [lane for lane in lanes if lane.lease is not None]
    if not expired_lanes:
        return
    interrupted_query = Delivery.unscoped.filter(
        connection_id__in=[lane.pk for lane in expired_lanes], state="sending"
    )
    interrupted_deliveries = list(interrupted_query.select_related("route"))
    Attempt.unscoped.bulk_create(
        Attempt(
            delivery=delivery,
            number=delivery.attempt_count,
            started_at=now,
            outcome="unknown",
            reason="crashed",
        )
        for delivery in interrupted_deliveries
    )
    counters.add_counts(
        {
            ("attempts", "unknown"): len(interrupted_deliveries),
            ("crashes", ""): len(interrupted_deliveries),
        }
    )
    exhausted_ids = [
        delivery.pk
        for delivery in interrupted_deliveries
        if delivery.crash_count + 1 >= MAX_CRASHES
    ]
    held_ids = [
        delivery.pk for delivery in interrupted_deliveries if delivery.route.is_held_when_unknown
    ]
    common_changes = {
        "crash_count": F("crash_count") + 1,
        "lease": None,
        "state_changed_at": now,
        "possibly_delivered": True,
        "quota_queue": 0,
    }
    interrupted_query.filter(pk__in=exhausted_ids).update(
        state="failed", reason="crashed", due_at=None, **common_changes
    )
    interrupted_query.filter(pk__in=held_ids).update(
        state="held", reason="unknown_effect", due_at=None, **common_changes
    )
    interrupted_query.update(state="waiting", reason="crashed", due_at=now, **common_changes)


def extend_lane_leases(lease: UUID, lanes: Collection[int], *, now: datetime) -> None:
    """The holder lives. It names what it knows to hold: of a claim whose answer was lost, nobody extends the lease."""
    Lane.unscoped.filter(lease=lease, pk__in=lanes).update(lease_until=now + LANE_LEASE)
