"""Ask the quotas when each carriage may go; those that may not yet wait in queues until a scope opens."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from hub.outgoing.pump.parcels import Berth, Carriage, Load, Unsent
from hub.outgoing.pump.queues import EARLY, SOONEST, Queues, key_for, may_queue, width_after
from hub.throttle.reserve import Demand, Reserved, is_unlimited, reserve

HORIZON = timedelta(seconds=0.25)  # calls are booked so far ahead: so long a lane waits for the last of its slice


@dataclass(slots=True)
class Group:
    """Calls of one lane that spend alike, in the order in which they go; `ranks` are their places on the lane."""

    load: Load
    carriages: list[Carriage] = field(default_factory=list)
    ranks: list[int] = field(default_factory=list)

    @property
    def demand(self) -> Demand:
        first = self.carriages[0]
        calls = len(self.carriages)
        return Demand(first.spent, calls, min(calls, self.load.lane.in_flight), first.low_priority, self.ranks)


@dataclass(frozen=True, slots=True)
class Booking:
    """One round of asking the quotas."""

    queues: Queues
    now: datetime
    lead: timedelta
    unsent: list[Unsent] = field(default_factory=list)

    @property
    def early(self) -> timedelta:
        """So long before it opens a queue is claimed, to be booked in time."""
        return self.lead + EARLY

    def wait(self, load: Load, carriage: Carriage, until: datetime, closed: Sequence[str]) -> None:
        self.unsent.append(Unsent(load, carriage, due_at=until, reason="throttled", closed=closed))


def book(lease: UUID, loads: Sequence[Load], *, now: datetime, lead: timedelta) -> list[Unsent]:
    """Fills the departures of the loads, what is paced not before `lead` from now; gives what waits for a quota."""
    if is_unlimited({spent.key: spent.quota for load in loads for each in load.carriages for spent in each.spent}):
        for load in loads:
            load.departures += [(now, carriage) for carriage in load.carriages]
        return []
    for load in loads:
        load.lead = lead
    booking = Booking(Queues.of(loads, now=now), now, lead)
    groups = [group for load in loads for group in groups_of(load, booking)]
    answers = reserve([group.demand for group in groups], now=now, horizon=HORIZON, lead=lead, lease=lease)
    for group, reserved in zip(groups, answers, strict=True):
        depart(group, reserved)
        send_back(group, reserved, booking)
        booking.queues.postpone(group.carriages[0].low_priority, reserved.closed, early=booking.early)
    queues = booking.queues.write()
    for wait in booking.unsent:
        if may_queue(wait.carriage):
            wait.carriage.returns_to = queues[key_for(wait.load.lane.pk, wait.carriage)]
    return booking.unsent


def groups_of(load: Load, booking: Booking) -> list[Group]:
    """What may ask for a moment, the oldest first. What would overtake others that wait for the same waits behind."""
    groups: dict[object, Group] = {}
    oldest_first = sorted(load.carriages, key=lambda carriage: carriage.oldest)
    for rank, carriage in enumerate(oldest_first):
        if not stands_behind(load, carriage, booking):
            group = groups.setdefault((carriage.spent, carriage.low_priority), Group(load))
            group.carriages.append(carriage)
            group.ranks.append(rank)
    return list(groups.values())


def stands_behind(load: Load, carriage: Carriage, booking: Booking) -> bool:
    """Whether older deliveries wait for what it spends; then it waits too."""
    lane = load.lane
    queue = booking.queues.before(lane.pk, carriage) if may_queue(carriage) else None
    if queue is None:
        return False
    closed = sorted(set(queue.closed).intersection(carriage.keys))
    booking.wait(load, carriage, max(queue.opens_at, booking.now), closed)
    if key_for(lane.pk, carriage) != queue.key:
        width = lane.in_flight * carriage.action.batch
        booking.queues.change(lane.pk, carriage, opens_at=queue.opens_at, closed=closed, width=width)
    return True


def depart(group: Group, reserved: Reserved) -> None:
    berth = berth_of(group, reserved)
    for carriage, moment in zip(group.carriages, reserved.at, strict=False):
        carriage.berth, carriage.probed_at = berth, moment if reserved.probes else None
        group.load.departures.append((moment, carriage))


def send_back(group: Group, reserved: Reserved, booking: Booking) -> None:
    """What got no moment waits until the scopes open; so does what waits already and was not claimed."""
    lane, first = group.load.lane, group.carriages[0]
    queue = booking.queues.own(lane.pk, first)
    rest = group.carriages[len(reserved.at) :]
    for carriage in rest:
        booking.wait(group.load, carriage, reserved.again, sorted(reserved.closed))
    if (rest or queue) and may_queue(first):
        opens_at = max(reserved.again - booking.early, booking.now + SOONEST)
        width = width_after(group.carriages, reserved, queue, in_flight=lane.in_flight)
        is_open = not rest and not reserved.closed
        booking.queues.change(
            lane.pk, first, opens_at=booking.now if is_open else opens_at, closed=reserved.closed, width=width
        )


def berth_of(group: Group, reserved: Reserved) -> Berth | None:
    keys = group.demand.in_flight
    if not keys or not reserved.at:
        return None
    return Berth(keys, reserved.room, len(reserved.at), asyncio.Semaphore(reserved.room))
