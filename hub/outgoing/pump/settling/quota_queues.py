"""Where what a quota sends back waits: with what spends the same scopes, in the order of acceptance, not claimed
before they open."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import OuterRef, QuerySet, Subquery

from hub.connections.models import QuotaQueue, digest_scopes
from hub.db import bulk
from hub.db.prepared import PreparedQuery
from hub.outgoing.models import Delivery
from hub.outgoing.pump.claiming.claim_sql import SUSPECT_CRASHES
from hub.outgoing.pump.settling.quota_feedback import (
    distinct_outcomes,
    pause_end,
    paused_scope_keys,
)
from hub.outgoing.pump.types import LaneBatch, NotSent, OutboundRequest, SendResult
from hub.throttle.reserve import Reservation

CLAIM_EARLY = timedelta(
    seconds=0.1
)  # before a paced scope opens its queue is claimed, so that no call is booked too late
MIN_QUEUE_DELAY = timedelta(seconds=0.05)  # no queue is looked at again before
MAX_WIDTH = 800  # deliveries that are taken from one queue at a time
DELETE_EMPTY_AFTER = timedelta(hours=1)

# Queues that are gone and in which something waits: one look into the index for each queue, however much waits.
WAITING_SQL = "quota_queue > 0 AND index_state = 'waiting' AND state = 'waiting'"
MISSING_QUEUES_SQL = f"""
WITH RECURSIVE used(id) AS (
    SELECT (SELECT quota_queue FROM outgoing_delivery WHERE {WAITING_SQL} ORDER BY quota_queue LIMIT 1)
    UNION ALL
    SELECT (
        SELECT quota_queue FROM outgoing_delivery WHERE {WAITING_SQL} AND quota_queue > used.id
        ORDER BY quota_queue LIMIT 1
    )
    FROM used WHERE used.id IS NOT NULL
)
SELECT id FROM used WHERE id IS NOT NULL
AND NOT EXISTS (SELECT 1 FROM connections_quotaqueue AS queue WHERE queue.id = used.id)
"""

QuotaQueueKey = tuple[int, bool, str]  # lane, background, digest of the scopes


def queues_with_deliveries(queues: QuerySet[QuotaQueue]) -> QuerySet[QuotaQueue]:
    """Those in which something waits. One look for each queue: of EXISTS a planner might read all that waits."""
    waiting = Delivery.unscoped.filter(
        quota_queue=OuterRef("pk"), quota_queue__gt=0, state="waiting"
    )
    return queues.alias(first=Subquery(waiting.values("pk")[:1])).filter(first__isnull=False)


QUEUES_OF_LANES = PreparedQuery(
    lambda *, ids: queues_with_deliveries(QuotaQueue.unscoped.filter(connection__id__any_of=ids))
)


@dataclass(slots=True)
class LaneQueues:
    """The queues of some lanes in which deliveries wait, beside those that were claimed; and how they change."""

    known: dict[QuotaQueueKey, QuotaQueue] = field(default_factory=dict)
    lanes: set[int] = field(
        default_factory=set
    )  # that have any: most have none, and their calls need no digest
    by_scope: dict[str, list[QuotaQueue]] = field(default_factory=dict)  # that spend it
    first_to_open: dict[tuple[int, bool, str], QuotaQueue] = field(
        default_factory=dict
    )  # by lane and closed scope
    postponed: set[tuple[bool, frozenset[tuple[str, datetime]]]] = field(default_factory=set)
    changed: dict[QuotaQueueKey, QuotaQueue] = field(default_factory=dict)
    last_claimed: dict[int, int] = field(
        default_factory=dict
    )  # by queue, the last delivery that was taken from it

    @classmethod
    def of_batches(cls, batches: Sequence[LaneBatch], *, now: datetime) -> "LaneQueues":
        queues = cls()
        for request in (request for batch in batches for request in batch.requests):
            queues.last_claimed[request.quota_queue] = max(
                request.oldest_delivery_id, queues.last_claimed.get(request.quota_queue, 0)
            )
        for queue in QUEUES_OF_LANES.fetch_models(ids=[batch.lane.pk for batch in batches]):
            queues.add(queue, now=now)
        return queues

    def add(self, queue: QuotaQueue, *, now: datetime) -> None:
        """Index it by all that is asked of queues: a lane may have thousands."""
        self.known[queue.key] = queue
        self.lanes.add(queue.connection_id)
        for scope in queue.scopes:
            self.by_scope.setdefault(scope, []).append(queue)
        for scope in queue.closed if queue.opens_at > now else ():
            first = self.first_to_open.setdefault(
                (queue.connection_id, queue.low_priority, scope), queue
            )
            if queue.opens_at < first.opens_at:
                self.first_to_open[(queue.connection_id, queue.low_priority, scope)] = queue

    def find_own(self, lane: int, request: OutboundRequest) -> QuotaQueue | None:
        """The queue of what spends as this carriage does."""
        return self.known.get(quota_queue_key(lane, request)) if lane in self.lanes else None

    def find_blocking(self, lane: int, request: OutboundRequest) -> QuotaQueue | None:
        """A queue whose deliveries wait for what this carriage spends: it may not go before them.

        What is older than they, as it goes again, may go with those of them that were claimed.
        """
        if request.quota_queue or lane not in self.lanes:
            return None
        if own_queue := self.find_own(lane, request):
            return (
                own_queue
                if request.oldest_delivery_id > self.last_claimed.get(own_queue.pk, 0)
                else None
            )
        beside = (
            (False, True) if request.low_priority else (False,)
        )  # live work does not wait behind other
        places = (
            (lane, low_priority, scope) for low_priority in beside for scope in request.scope_keys
        )
        queues = (self.first_to_open[place] for place in places if place in self.first_to_open)
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
        queue = QuotaQueue(
            connection_id=lane,
            low_priority=request.low_priority,
            digest=digest_scopes(request.scope_keys),
            scopes=sorted(request.scope_keys),
            closed=sorted(closed),
            opens_at=opens_at,
            width=width,
        )
        self.changed[queue.key] = queue

    def postpone(
        self, low_priority: bool, closed: Mapping[str, datetime], *, early: timedelta
    ) -> None:
        """Scopes were found closed: queues that spend them are not looked at before they open."""
        found = (low_priority, frozenset(closed.items()))
        if found in self.postponed:
            return
        self.postponed.add(found)
        for queue in (queue for scope in closed for queue in self.by_scope.get(scope, ())):
            opens = {key: closed[key] for key in queue.scopes if key in closed}
            opens_at = max(opens.values(), default=queue.opens_at) - early
            if (
                queue.low_priority == low_priority
                and opens_at > queue.opens_at
                and queue.key not in self.changed
            ):
                queue.opens_at, queue.closed = opens_at, sorted(opens)
                self.changed[queue.key] = queue

    def save(self, *, with_width: bool = True) -> dict[QuotaQueueKey, int]:
        """The primary keys of those that changed, and of those that were known."""
        fields = ["opens_at", "closed", *(["width"] if with_width else [])]
        changed = [queue for _, queue in sorted(self.changed.items())]
        for queue in changed:
            queue.pk = None
        QuotaQueue.unscoped.bulk_create(
            changed,
            update_conflicts=True,
            unique_fields=["connection", "low_priority", "digest"],
            update_fields=fields,
        )
        existing_queues = [queue for queue in self.known.values() if queue.pk]
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
    """How many deliveries the next claim takes: what the quota let go this time, and more where it is still open."""
    batch_size = requests[0].action.batch
    booked = sum(len(request.messages) for request in requests[: len(reservation.call_times)])
    usual_width = queue.width if queue else in_flight * batch_size
    if len(reservation.call_times) == len(requests):
        return usual_width if reservation.closed else min(MAX_WIDTH, 2 * usual_width)
    if booked and requests[0].is_paced and not reservation.probes:
        return max(booked, batch_size)
    return max(usual_width, batch_size)


def queue_throttled(results: Sequence[SendResult | NotSent], *, now: datetime) -> None:
    """What met a pause on its way, or was refused by a 429, waits in line for the end of that pause."""
    queues, waiting_results = LaneQueues(), []
    for result in results:
        opens = _paused_scopes_after(result, now=now)
        lane, request = result.batch.lane, result.request
        if opens and can_queue(request):
            until, width = max(opens.values()), lane.in_flight * request.action.batch
            queues.set_queue(lane.pk, request, opens_at=until, closed=opens, width=width)
            waiting_results.append(result)
    if waiting_results:
        queue_ids = queues.save(with_width=False)
        for result in waiting_results:
            result.request.return_queue_id = queue_ids[
                quota_queue_key(result.batch.lane.pk, result.request)
            ]


def _paused_scopes_after(result: SendResult | NotSent, *, now: datetime) -> dict[str, datetime]:
    """The scopes of a call that are paused by what came of it, and until when."""
    if isinstance(result, NotSent):
        return dict.fromkeys(result.closed, result.due_at) if result.due_at else {}
    opens: dict[str, datetime] = {}
    for outcome in distinct_outcomes(result.outcomes):
        paused = set(result.request.scope_keys).intersection(
            paused_scope_keys(result.batch, outcome)
        )
        opens |= dict.fromkeys(paused, pause_end(outcome, now=now))
    return opens


def can_queue(request: OutboundRequest) -> bool:
    """What may have killed pumps before goes alone, and waits in no queue."""
    return all(parcel.delivery.crash_count < SUSPECT_CRASHES for parcel in request.messages)


def delete_empty_queues(*, now: datetime) -> None:
    """Delete queues in which nothing has waited for long; what waits in a queue that is gone waits in none."""
    idle_queues = QuotaQueue.unscoped.filter(opens_at__lt=now - DELETE_EMPTY_AFTER)
    idle_queues.exclude(pk__in=queues_with_deliveries(idle_queues).values("pk")).delete()
    if missing_ids := [number for (number,) in bulk.query_rows(MISSING_QUEUES_SQL, [])]:
        Delivery.unscoped.filter(
            quota_queue__in=missing_ids, quota_queue__gt=0, state="waiting"
        ).update(quota_queue=0)
