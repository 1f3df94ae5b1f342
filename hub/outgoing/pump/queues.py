"""Where what a quota sends back waits: with what spends the same scopes, in the order of acceptance, not claimed
before they open."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import OuterRef, QuerySet, Subquery

from hub import rows
from hub.asked import Asked
from hub.connections.models import QuotaQueue, digest_of
from hub.outgoing.models import Delivery
from hub.outgoing.pump.due import CRASHES_FEW
from hub.outgoing.pump.parcels import Carriage, Journey, Load, Unsent
from hub.outgoing.pump.tell import distinct, paused_keys, rest_until
from hub.throttle.reserve import Reserved

EARLY = timedelta(seconds=0.1)  # before a paced scope opens its queue is claimed, so that no call is booked too late
SOONEST = timedelta(seconds=0.05)  # no queue is looked at again before
WIDTH_MOST = 800  # deliveries that are taken from one queue at a time
EMPTY_AFTER = timedelta(hours=1)

# Queues that are gone and in which something waits: one look into the index for each queue, however much waits.
WAITING = "quota_queue > 0 AND index_state = 'waiting' AND state = 'waiting'"
GONE = f"""
WITH RECURSIVE used(id) AS (
    SELECT (SELECT quota_queue FROM outgoing_delivery WHERE {WAITING} ORDER BY quota_queue LIMIT 1)
    UNION ALL
    SELECT (
        SELECT quota_queue FROM outgoing_delivery WHERE {WAITING} AND quota_queue > used.id
        ORDER BY quota_queue LIMIT 1
    )
    FROM used WHERE used.id IS NOT NULL
)
SELECT id FROM used WHERE id IS NOT NULL
AND NOT EXISTS (SELECT 1 FROM connections_quotaqueue AS queue WHERE queue.id = used.id)
"""

Key = tuple[int, bool, str]  # lane, background, digest of the scopes


def with_deliveries(queues: QuerySet[QuotaQueue]) -> QuerySet[QuotaQueue]:
    """Those in which something waits. One look for each queue: of EXISTS a planner might read all that waits."""
    waiting = Delivery.unscoped.filter(quota_queue=OuterRef("pk"), quota_queue__gt=0, state="waiting")
    return queues.alias(first=Subquery(waiting.values("pk")[:1])).filter(first__isnull=False)


OF_LANES = Asked(lambda *, ids: with_deliveries(QuotaQueue.unscoped.filter(connection__id__among=ids)))


@dataclass(slots=True)
class Queues:
    """The queues of some lanes in which deliveries wait, beside those that were claimed; and how they change."""

    known: dict[Key, QuotaQueue] = field(default_factory=dict)
    lanes: set[int] = field(default_factory=set)  # that have any: most have none, and their calls need no digest
    by_scope: dict[str, list[QuotaQueue]] = field(default_factory=dict)  # that spend it
    first_to_open: dict[tuple[int, bool, str], QuotaQueue] = field(default_factory=dict)  # by lane and closed scope
    postponed: set[tuple[bool, frozenset[tuple[str, datetime]]]] = field(default_factory=set)
    changed: dict[Key, QuotaQueue] = field(default_factory=dict)
    claimed: dict[int, int] = field(default_factory=dict)  # by queue, the last delivery that was taken from it

    @classmethod
    def of(cls, loads: Sequence[Load], *, now: datetime) -> "Queues":
        found = cls()
        for carriage in (carriage for load in loads for carriage in load.carriages):
            found.claimed[carriage.quota_queue] = max(carriage.oldest, found.claimed.get(carriage.quota_queue, 0))
        for queue in OF_LANES.models(ids=[load.lane.pk for load in loads]):
            found.add(queue, now=now)
        return found

    def add(self, queue: QuotaQueue, *, now: datetime) -> None:
        """Index it by all that is asked of queues: a lane may have thousands."""
        self.known[queue.key] = queue
        self.lanes.add(queue.connection_id)
        for scope in queue.scopes:
            self.by_scope.setdefault(scope, []).append(queue)
        for scope in queue.closed if queue.opens_at > now else ():
            first = self.first_to_open.setdefault((queue.connection_id, queue.low_priority, scope), queue)
            if queue.opens_at < first.opens_at:
                self.first_to_open[(queue.connection_id, queue.low_priority, scope)] = queue

    def own(self, lane: int, carriage: Carriage) -> QuotaQueue | None:
        """The queue of what spends as this carriage does."""
        return self.known.get(key_for(lane, carriage)) if lane in self.lanes else None

    def before(self, lane: int, carriage: Carriage) -> QuotaQueue | None:
        """A queue whose deliveries wait for what this carriage spends: it may not go before them.

        What is older than they, as it goes again, may go with those of them that were claimed.
        """
        if carriage.quota_queue or lane not in self.lanes:
            return None
        if own := self.own(lane, carriage):
            return own if carriage.oldest > self.claimed.get(own.pk, 0) else None
        beside = (False, True) if carriage.low_priority else (False,)  # live work does not wait behind other
        places = ((lane, low_priority, scope) for low_priority in beside for scope in carriage.keys)
        queues = (self.first_to_open[place] for place in places if place in self.first_to_open)
        return min(queues, key=lambda queue: queue.opens_at, default=None)

    def change(self, lane: int, carriage: Carriage, *, opens_at: datetime, closed: Iterable[str], width: int) -> None:
        queue = QuotaQueue(
            connection_id=lane,
            low_priority=carriage.low_priority,
            digest=digest_of(carriage.keys),
            scopes=sorted(carriage.keys),
            closed=sorted(closed),
            opens_at=opens_at,
            width=width,
        )
        self.changed[queue.key] = queue

    def postpone(self, low_priority: bool, closed: Mapping[str, datetime], *, early: timedelta) -> None:
        """Scopes were found closed: queues that spend them are not looked at before they open."""
        found = (low_priority, frozenset(closed.items()))
        if found in self.postponed:
            return
        self.postponed.add(found)
        for queue in (queue for scope in closed for queue in self.by_scope.get(scope, ())):
            opens = {key: closed[key] for key in queue.scopes if key in closed}
            opens_at = max(opens.values(), default=queue.opens_at) - early
            if queue.low_priority == low_priority and opens_at > queue.opens_at and queue.key not in self.changed:
                queue.opens_at, queue.closed = opens_at, sorted(opens)
                self.changed[queue.key] = queue

    def write(self, *, with_width: bool = True) -> dict[Key, int]:
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
        known = [queue for queue in self.known.values() if queue.pk]
        return {queue.key: queue.pk for queue in (*known, *changed)}


def key_for(lane: int, carriage: Carriage) -> Key:
    return lane, carriage.low_priority, digest_of(carriage.keys)


def width_after(carriages: Sequence[Carriage], reserved: Reserved, before: QuotaQueue | None, *, in_flight: int) -> int:
    """How many deliveries the next claim takes: what the quota let go this time, and more where it is still open."""
    batch = carriages[0].action.batch
    booked = sum(len(carriage.parcels) for carriage in carriages[: len(reserved.at)])
    usual = before.width if before else in_flight * batch
    if len(reserved.at) == len(carriages):
        return usual if reserved.closed else min(WIDTH_MOST, 2 * usual)
    if booked and carriages[0].paced and not reserved.probes:
        return max(booked, batch)
    return max(usual, batch)


def queue_what_is_throttled(results: Sequence[Journey | Unsent], *, now: datetime) -> None:
    """What met a pause on its way, or was refused by a 429, waits in line for the end of that pause."""
    queues, waits = Queues(), []
    for result in results:
        opens = opens_after(result, now=now)
        lane, carriage = result.load.lane, result.carriage
        if opens and may_queue(carriage):
            until, width = max(opens.values()), lane.in_flight * carriage.action.batch
            queues.change(lane.pk, carriage, opens_at=until, closed=opens, width=width)
            waits.append(result)
    if waits:
        found = queues.write(with_width=False)
        for result in waits:
            result.carriage.returns_to = found[key_for(result.load.lane.pk, result.carriage)]


def opens_after(result: Journey | Unsent, *, now: datetime) -> dict[str, datetime]:
    """The scopes of a call that are paused by what came of it, and until when."""
    if isinstance(result, Unsent):
        return dict.fromkeys(result.closed, result.due_at) if result.due_at else {}
    opens: dict[str, datetime] = {}
    for outcome in distinct(result.outcomes):
        paused = set(result.carriage.keys).intersection(paused_keys(result.load, outcome))
        opens |= dict.fromkeys(paused, rest_until(outcome, now=now))
    return opens


def may_queue(carriage: Carriage) -> bool:
    """What may have killed pumps before goes alone, and waits in no queue."""
    return all(parcel.delivery.crash_count < CRASHES_FEW for parcel in carriage.parcels)


def tidy_quota_queues(*, now: datetime) -> None:
    """Delete queues in which nothing has waited for long; what waits in a queue that is gone waits in none."""
    old = QuotaQueue.unscoped.filter(opens_at__lt=now - EMPTY_AFTER)
    old.exclude(pk__in=with_deliveries(old).values("pk")).delete()
    if gone := [number for (number,) in rows.ask(GONE, [])]:
        Delivery.unscoped.filter(quota_queue__in=gone, quota_queue__gt=0, state="waiting").update(quota_queue=0)
