"""Quota queues: deliveries of a connection that spend the same scopes wait, first in first out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

from hub.connections.calls.reserved_call import pause_end, paused_scope_keys
from hub.connections.models import QuotaQueue, digest_scopes
from hub.db.prepared import PreparedQuery
from hub.outgoing.pump.claiming.crash_limits import SUSPECT_CRASHES
from hub.outgoing.pump.settling.waiting_queues import queues_with_deliveries
from hub.outgoing.pump.types import (
    LaneBatch,
    NotSent,
    OutboundRequest,
    RequestResult,
)
from hub.throttle.demand import Reservation

# A queue is claimed this long before its paced scope opens, so that its calls are booked in time.
CLAIMED_EARLY_BY = timedelta(seconds=0.1)
MIN_QUEUE_DELAY = timedelta(seconds=0.05)  # between two claims of one queue
MAX_WIDTH = 800  # deliveries that one claim takes from a queue

QuotaQueueKey = tuple[int, bool, str]  # lane, low priority, digest of the scopes
ScopeKey = tuple[int, bool, str]  # lane, low priority, key of one scope
Result = TypeVar("Result", bound=RequestResult)

QUEUES_OF_LANES = PreparedQuery(
    lambda *, ids: queues_with_deliveries(QuotaQueue.unscoped.filter(connection__id__any_of=ids))
)


@dataclass(slots=True)
class LaneQueues:
    """The quota queues of some lanes: loaded ones, and those to create or change.

    Queues with unclaimed deliveries are loaded.
    """

    known_queues: dict[QuotaQueueKey, QuotaQueue] = field(default_factory=dict)
    lane_ids: set[int] = field(default_factory=set)  # lanes with queues; most have none
    queues_by_scope: dict[str, list[QuotaQueue]] = field(default_factory=dict)
    first_to_open: dict[ScopeKey, QuotaQueue] = field(default_factory=dict)  # by closed scope
    postponed_scopes: set[tuple[bool, frozenset[tuple[str, datetime]]]] = field(default_factory=set)
    changed_queues: dict[QuotaQueueKey, QuotaQueue] = field(default_factory=dict)
    last_claimed: dict[int, int] = field(default_factory=dict)  # newest claimed delivery by queue

    @classmethod
    def of_batches(cls, batches: Sequence[LaneBatch], *, now: datetime) -> "LaneQueues":
        """Load the queues of the batches' lanes."""
        queues = cls()
        for request in (request for batch in batches for request in batch.requests):
            queues.last_claimed[request.quota_queue] = max(
                request.oldest_delivery_id, queues.last_claimed.get(request.quota_queue, 0)
            )
        for queue in QUEUES_OF_LANES.fetch_models(ids=[batch.lane.pk for batch in batches]):
            queues.add(queue, now=now)
        return queues

    def add(self, queue: QuotaQueue, *, now: datetime) -> None:
        """Index a queue by all keys of the look-ups, as a lane may have thousands of queues."""
        self.known_queues[queue.key] = queue
        self.lane_ids.add(queue.connection_id)
        for scope in queue.scopes:
            self.queues_by_scope.setdefault(scope, []).append(queue)
        for scope in queue.closed if queue.opens_at > now else ():
            key = (queue.connection_id, queue.low_priority, scope)
            first = self.first_to_open.setdefault(key, queue)
            if queue.opens_at < first.opens_at:
                self.first_to_open[key] = queue

    def find_own(self, lane: int, request: OutboundRequest) -> QuotaQueue | None:
        """Return the queue of the request's scopes."""
        return (
            self.known_queues.get(quota_queue_key(lane, request)) if lane in self.lane_ids else None
        )

    def find_blocking(self, lane: int, request: OutboundRequest) -> QuotaQueue | None:
        """Return a queue whose deliveries wait for a scope of this request, and are sent before it.

        A request that is older than them, as after a crash, may be sent together with the claimed
        deliveries of that queue.
        """
        if request.quota_queue or lane not in self.lane_ids:
            return None
        if own_queue := self.find_own(lane, request):
            is_newer = request.oldest_delivery_id > self.last_claimed.get(own_queue.pk, 0)
            return own_queue if is_newer else None
        # live work does not wait behind work of low priority
        priorities = (False, True) if request.low_priority else (False,)
        keys = (
            (lane, low_priority, scope)
            for low_priority in priorities
            for scope in request.scope_keys
        )
        queues = (self.first_to_open[key] for key in keys if key in self.first_to_open)
        return min(queues, key=lambda queue: queue.opens_at, default=None)

    def set_queue(
        self,
        lane: int,
        request: OutboundRequest,
        *,
        opens_at: datetime,
        closed: Iterable[str],
        width: int,
    ) -> None:
        """Create or change the queue of the request's scopes."""
        queue = QuotaQueue(
            connection_id=lane,
            low_priority=request.low_priority,
            digest=digest_scopes(request.scope_keys),
            scopes=sorted(request.scope_keys),
            closed=sorted(closed),
            opens_at=opens_at,
            width=width,
        )
        self.changed_queues[queue.key] = queue

    def postpone(
        self, low_priority: bool, closed: Mapping[str, datetime], *, margin: timedelta
    ) -> None:
        """Postpone all queues that spend a closed scope until `margin` before that scope opens."""
        reservation_result = (low_priority, frozenset(closed.items()))
        if reservation_result in self.postponed_scopes:
            return
        self.postponed_scopes.add(reservation_result)
        for queue in (queue for scope in closed for queue in self.queues_by_scope.get(scope, ())):
            opens = {key: closed[key] for key in queue.scopes if key in closed}
            opens_at = max(opens.values(), default=queue.opens_at) - margin
            if (
                queue.low_priority == low_priority
                and opens_at > queue.opens_at
                and queue.key not in self.changed_queues
            ):
                queue.opens_at, queue.closed = opens_at, sorted(opens)
                self.changed_queues[queue.key] = queue

    def save(self, *, with_width: bool = True) -> dict[QuotaQueueKey, int]:
        """Store the changed queues; return the primary keys of changed and known queues."""
        changed = [queue for _, queue in sorted(self.changed_queues.items())]
        for queue in changed:
            queue.pk = None
        QuotaQueue.unscoped.bulk_create(
            changed,
            update_conflicts=True,
            unique_fields=["connection", "low_priority", "digest"],
            update_fields=["opens_at", "closed", *(["width"] if with_width else [])],
        )
        existing_queues = [queue for queue in self.known_queues.values() if queue.pk]
        return {queue.key: queue.pk for queue in (*existing_queues, *changed)}


def quota_queue_key(lane: int, request: OutboundRequest) -> QuotaQueueKey:
    return lane, request.low_priority, digest_scopes(request.scope_keys)


def next_width(
    requests: Sequence[OutboundRequest],
    reservation: Reservation,
    queue: QuotaQueue | None,
    *,
    in_flight: int,
) -> int:
    """Return how many deliveries to claim next: as many as booked, more if the quota is open."""
    batch_size = requests[0].action.batch_size_max
    booked = sum(len(request.messages) for request in requests[: len(reservation.call_times)])
    usual_width = queue.width if queue else in_flight * batch_size
    if len(reservation.call_times) == len(requests):
        return usual_width if reservation.closed_scopes else min(MAX_WIDTH, 2 * usual_width)
    if booked and requests[0].is_paced and not reservation.is_probe:
        return max(booked, batch_size)
    return max(usual_width, batch_size)


def queue_throttled(results: Sequence[RequestResult], *, now: datetime) -> Sequence[RequestResult]:
    """Queue the requests that a pause stopped or a 429 refused, until the end of that pause.

    Return the results with the queues that these requests join.
    """
    queues, queued_requests = LaneQueues(), set()
    for result in results:
        opens = _paused_scopes_after(result, now=now)
        lane, request = result.batch.lane, result.request
        if opens and can_queue(request):
            until, width = max(opens.values()), lane.in_flight * request.action.batch_size_max
            queues.set_queue(lane.pk, request, opens_at=until, closed=opens, width=width)
            queued_requests.add(request.id)
    if not queued_requests:
        return results
    queue_ids = queues.save(with_width=False)
    return [
        join_queue(result, queue_ids) if result.request.id in queued_requests else result
        for result in results
    ]


def join_queue(result: Result, queue_ids: Mapping[QuotaQueueKey, int]) -> Result:
    """Return the result with the queue of its request's scopes, which its deliveries join."""
    key = quota_queue_key(result.batch.lane.pk, result.request)
    return replace(result, quota_queue=queue_ids[key])


def _paused_scopes_after(result: RequestResult, *, now: datetime) -> dict[str, datetime]:
    """Return the paused scopes for which the request waits, and when each pause ends.

    A failed attempt that pauses a scope (a 503 with Retry-After) waits by its own schedule instead.
    """
    if isinstance(result, NotSent):
        return dict.fromkeys(result.closed_scopes, result.due_at) if result.due_at else {}
    opens: dict[str, datetime] = {}
    for outcome in (outcome for outcome in result.distinct_outcomes() if outcome.costs_no_attempt):
        keys = paused_scope_keys(result.batch.connection, outcome)
        paused = set(result.request.scope_keys).intersection(keys)
        opens |= dict.fromkeys(paused, pause_end(outcome, now=now))
    return opens


def can_queue(request: OutboundRequest) -> bool:
    """Return whether its deliveries may wait in a queue: suspects are claimed outside, alone."""
    return all(message.delivery.crash_count < SUSPECT_CRASHES for message in request.messages)
