"""Ask the quotas when each carriage may go; those that may not yet wait in queues until a scope opens."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from hub.outgoing.pump.settling.quota_queues import (
    CLAIM_EARLY,
    MIN_QUEUE_DELAY,
    LaneQueues,
    can_queue,
    next_width,
    quota_queue_key,
)
from hub.outgoing.pump.types import InFlightSlots, LaneBatch, NotSent, OutboundRequest
from hub.throttle.reserve import Demand, Reservation, is_unlimited, reserve_calls

BOOKING_HORIZON = timedelta(
    seconds=0.25
)  # calls are booked so far ahead: so long a lane waits for the last of its slice


@dataclass(slots=True)
class RequestGroup:
    """Calls of one lane that spend alike, in the order in which they go; `ranks` are their places on the lane."""

    batch: LaneBatch
    requests: list[OutboundRequest] = field(default_factory=list)
    ranks: list[int] = field(default_factory=list)

    @property
    def demand(self) -> Demand:
        first = self.requests[0]
        calls = len(self.requests)
        return Demand(
            first.scope_costs,
            calls,
            min(calls, self.batch.lane.in_flight),
            first.low_priority,
            self.ranks,
        )


@dataclass(frozen=True, slots=True)
class ReservationRound:
    """One round of asking the quotas."""

    queues: LaneQueues
    now: datetime
    lead: timedelta
    not_sent: list[NotSent] = field(default_factory=list)

    @property
    def queue_lead_time(self) -> timedelta:
        """So long before it opens a queue is claimed, to be booked in time."""
        return self.lead + CLAIM_EARLY

    def add_not_sent(
        self, batch: LaneBatch, request: OutboundRequest, until: datetime, closed: Sequence[str]
    ) -> None:
        self.not_sent.append(
            NotSent(batch, request, due_at=until, reason="throttled", closed=closed)
        )


def reserve_quota(
    lease: UUID, batches: Sequence[LaneBatch], *, now: datetime, lead: timedelta
) -> list[NotSent]:
    """Fills the departures of the loads, what is paced not before `lead` from now; gives what waits for a quota."""
    if is_unlimited(
        {
            scope.key: scope.quota
            for batch in batches
            for request in batch.requests
            for scope in request.scope_costs
        }
    ):
        for batch in batches:
            batch.schedule += [(now, request) for request in batch.requests]
        return []
    for batch in batches:
        batch.lead = lead
    reservation_round = ReservationRound(LaneQueues.of_batches(batches, now=now), now, lead)
    groups = [group for batch in batches for group in _group_by_scopes(batch, reservation_round)]
    reservations = reserve_calls(
        [group.demand for group in groups], now=now, horizon=BOOKING_HORIZON, lead=lead, lease=lease
    )
    for group, reservation in zip(groups, reservations, strict=True):
        _schedule_requests(group, reservation)
        _return_unbooked(group, reservation, reservation_round)
        reservation_round.queues.postpone(
            group.requests[0].low_priority,
            reservation.closed,
            early=reservation_round.queue_lead_time,
        )
    queue_ids = reservation_round.queues.save()
    for not_sent in reservation_round.not_sent:
        if can_queue(not_sent.request):
            not_sent.request.return_queue_id = queue_ids[
                quota_queue_key(not_sent.batch.lane.pk, not_sent.request)
            ]
    return reservation_round.not_sent


def _group_by_scopes(batch: LaneBatch, reservation_round: ReservationRound) -> list[RequestGroup]:
    """What may ask for a moment, the oldest first. What would overtake others that wait for the same waits behind."""
    groups: dict[object, RequestGroup] = {}
    oldest_first = sorted(batch.requests, key=lambda request: request.oldest_delivery_id)
    for rank, request in enumerate(oldest_first):
        if not _wait_behind_older(batch, request, reservation_round):
            group = groups.setdefault(
                (request.scope_costs, request.low_priority), RequestGroup(batch)
            )
            group.requests.append(request)
            group.ranks.append(rank)
    return list(groups.values())


def _wait_behind_older(
    batch: LaneBatch, request: OutboundRequest, reservation_round: ReservationRound
) -> bool:
    """Whether older deliveries wait for what it spends; then it waits too."""
    lane = batch.lane
    queue = reservation_round.queues.find_blocking(lane.pk, request) if can_queue(request) else None
    if queue is None:
        return False
    closed = sorted(set(queue.closed).intersection(request.scope_keys))
    reservation_round.add_not_sent(
        batch, request, max(queue.opens_at, reservation_round.now), closed
    )
    if quota_queue_key(lane.pk, request) != queue.key:
        width = lane.in_flight * request.action.batch
        reservation_round.queues.set_queue(
            lane.pk, request, opens_at=queue.opens_at, closed=closed, width=width
        )
    return True


def _schedule_requests(group: RequestGroup, reservation: Reservation) -> None:
    slots = _allocate_slots(group, reservation)
    for request, scheduled_at in zip(group.requests, reservation.call_times, strict=False):
        request.slots, request.probed_at = slots, scheduled_at if reservation.probes else None
        group.batch.schedule.append((scheduled_at, request))


def _return_unbooked(
    group: RequestGroup, reservation: Reservation, reservation_round: ReservationRound
) -> None:
    """What got no moment waits until the scopes open; so does what waits already and was not claimed."""
    lane, first = group.batch.lane, group.requests[0]
    queue = reservation_round.queues.find_own(lane.pk, first)
    unbooked_requests = group.requests[len(reservation.call_times) :]
    for request in unbooked_requests:
        reservation_round.add_not_sent(
            group.batch, request, reservation.next_at, sorted(reservation.closed)
        )
    if (unbooked_requests or queue) and can_queue(first):
        opens_at = max(
            reservation.next_at - reservation_round.queue_lead_time,
            reservation_round.now + MIN_QUEUE_DELAY,
        )
        width = next_width(group.requests, reservation, queue, in_flight=lane.in_flight)
        is_open = not unbooked_requests and not reservation.closed
        reservation_round.queues.set_queue(
            lane.pk,
            first,
            opens_at=reservation_round.now if is_open else opens_at,
            closed=reservation.closed,
            width=width,
        )


def _allocate_slots(group: RequestGroup, reservation: Reservation) -> InFlightSlots | None:
    keys = group.demand.in_flight
    if not keys or not reservation.call_times:
        return None
    return InFlightSlots(
        keys,
        reservation.max_in_flight,
        len(reservation.call_times),
        asyncio.Semaphore(reservation.max_in_flight),
    )
