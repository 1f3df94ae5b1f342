"""Reserve quota for a claim's requests: schedule those that may be sent soon, queue the others."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from hub.connections.models import QuotaQueue
from hub.outgoing.pump.settling.quota_queues import (
    CLAIMED_EARLY_BY,
    MIN_QUEUE_DELAY,
    LaneQueues,
    can_queue,
    join_queue,
    next_width,
    quota_queue_key,
)
from hub.outgoing.pump.types import (
    InFlightSlots,
    LaneBatch,
    NotSent,
    OutboundRequest,
    ScheduledBatch,
    ScheduledRequest,
)
from hub.throttle.demand import Demand, Reservation
from hub.throttle.reserve import is_unlimited, reserve_calls

# Calls are booked this far ahead, and a lane waits as long for the last call of its batch.
BOOKING_HORIZON = timedelta(seconds=0.25)


@dataclass(slots=True)
class RequestGroup:
    """Requests of a batch with equal scopes and priority, oldest first; `ranks`: their places."""

    batch: LaneBatch
    requests: list[OutboundRequest] = field(default_factory=list)
    ranks: list[int] = field(default_factory=list)

    @property
    def demand(self) -> Demand:
        first, calls = self.requests[0], len(self.requests)
        at_once = min(calls, self.batch.lane.in_flight)
        return Demand(first.scope_costs, calls, at_once, first.low_priority, self.ranks)


@dataclass(frozen=True, slots=True)
class ReservationRound:
    """One reservation for all batches of a claim: quota queues, and requests that must wait."""

    queues: LaneQueues
    now: datetime
    lead: timedelta
    not_sent: list[NotSent] = field(default_factory=list)

    @property
    def queue_lead_time(self) -> timedelta:
        """Return how long before its opening a queue may be claimed, to book its calls in time."""
        return self.lead + CLAIMED_EARLY_BY

    def add_not_sent(
        self, batch: LaneBatch, request: OutboundRequest, until: datetime, closed: Sequence[str]
    ) -> None:
        self.not_sent.append(
            NotSent(batch, request, due_at=until, reason="throttled", closed_scopes=closed)
        )

    def find_blocking(self, batch: LaneBatch, request: OutboundRequest) -> QuotaQueue | None:
        """Return a queue of older deliveries that wait for a scope of this request."""
        return self.queues.find_blocking(batch.lane.pk, request) if can_queue(request) else None


def reserve_quota(
    lease: UUID, batches: Sequence[LaneBatch], *, now: datetime, lead: timedelta
) -> tuple[list[ScheduledBatch], list[NotSent]]:
    """Return the schedules of the batches, paced calls `lead` ahead at least.

    Also return the requests that wait for a quota.
    """
    if _has_no_quotas(batches):
        return [
            ScheduledBatch(batch, [ScheduledRequest(request, now) for request in batch.requests])
            for batch in batches
        ], []
    reservation_round = ReservationRound(LaneQueues.of_batches(batches, now=now), now, lead)
    groups = [group for batch in batches for group in _group_by_scopes(batch, reservation_round)]
    reservations = reserve_calls(
        [group.demand for group in groups],
        now=now,
        horizon=BOOKING_HORIZON,
        lead=lead,
        can_delay=True,
        lease=lease,
    )
    schedules: dict[int, list[ScheduledRequest]] = {batch.lane.pk: [] for batch in batches}
    for group, reservation in zip(groups, reservations, strict=True):
        schedules[group.batch.lane.pk] += _schedule_requests(group, reservation)
        _queue_unbooked(group, reservation, reservation_round)
        reservation_round.queues.postpone(
            group.requests[0].low_priority,
            reservation.closed_scopes,
            margin=reservation_round.queue_lead_time,
        )
    scheduled = [ScheduledBatch(batch, schedules[batch.lane.pk], lead) for batch in batches]
    queue_ids = reservation_round.queues.save()
    return scheduled, [
        join_queue(not_sent, queue_ids) if can_queue(not_sent.request) else not_sent
        for not_sent in reservation_round.not_sent
    ]


def _has_no_quotas(batches: Sequence[LaneBatch]) -> bool:
    return is_unlimited(
        {
            scope.key: scope.quota
            for batch in batches
            for request in batch.requests
            for scope in request.scope_costs
        }
    )


def _group_by_scopes(batch: LaneBatch, reservation_round: ReservationRound) -> list[RequestGroup]:
    """Group the batch's requests by scope costs and priority, each group oldest first.

    A request that would overtake a queue is in no group: it is recorded as not sent, and waits
    behind the queue.
    """
    groups: dict[object, RequestGroup] = {}
    oldest_first = sorted(batch.requests, key=lambda request: request.oldest_delivery_id)
    for rank, request in enumerate(oldest_first):
        queue = reservation_round.find_blocking(batch, request)
        if queue is not None:
            _wait_behind(queue, batch, request, reservation_round)
            continue
        # by keys and costs, as hashing the quotas takes longer than the rest of the loop
        costs = tuple([(scope.key, scope.cost) for scope in request.scope_costs])
        group = groups.setdefault((costs, request.low_priority), RequestGroup(batch))
        group.requests.append(request)
        group.ranks.append(rank)
    return list(groups.values())


def _wait_behind(
    queue: QuotaQueue,
    batch: LaneBatch,
    request: OutboundRequest,
    reservation_round: ReservationRound,
) -> None:
    """Let a request wait until the queue opens: in that, or in the queue of its own scopes."""
    lane, opens_at = batch.lane, queue.opens_at
    closed = sorted(set(queue.closed).intersection(request.scope_keys))
    reservation_round.add_not_sent(batch, request, max(opens_at, reservation_round.now), closed)
    if quota_queue_key(lane.pk, request) != queue.key:
        width = lane.in_flight * request.action.batch_size_max
        reservation_round.queues.set_queue(
            lane.pk, request, opens_at=opens_at, closed=closed, width=width
        )


def _schedule_requests(group: RequestGroup, reservation: Reservation) -> Iterable[ScheduledRequest]:
    slots = _allocate_slots(group, reservation)
    for request, at in zip(group.requests, reservation.call_times, strict=False):
        probed_at = at if reservation.is_probe else None
        yield ScheduledRequest(request, at, slots, probed_at, reservation.can_be_delayed)


def _queue_unbooked(
    group: RequestGroup, reservation: Reservation, reservation_round: ReservationRound
) -> None:
    """Let requests without a call time wait in the queue of their scopes, and update that queue."""
    lane, first = group.batch.lane, group.requests[0]
    queue = reservation_round.queues.find_own(lane.pk, first)
    unbooked_requests = group.requests[len(reservation.call_times) :]
    closed = sorted(reservation.closed_scopes)
    for request in unbooked_requests:
        reservation_round.add_not_sent(group.batch, request, reservation.next_at, closed)
    if (unbooked_requests or queue) and can_queue(first):
        now = reservation_round.now
        earliest = reservation.next_at - reservation_round.queue_lead_time
        is_open = not unbooked_requests and not reservation.closed_scopes
        reservation_round.queues.set_queue(
            lane.pk,
            first,
            opens_at=now if is_open else max(earliest, now + MIN_QUEUE_DELAY),
            closed=reservation.closed_scopes,
            width=next_width(group.requests, reservation, queue, in_flight=lane.in_flight),
        )


def _allocate_slots(group: RequestGroup, reservation: Reservation) -> InFlightSlots | None:
    """Return the slots that the group's calls share, if a scope limits calls in flight."""
    keys = group.demand.in_flight
    if not keys or not reservation.call_times:
        return None
    semaphore = asyncio.Semaphore(reservation.max_in_flight)
    return InFlightSlots(keys, reservation.max_in_flight, len(reservation.call_times), semaphore)
