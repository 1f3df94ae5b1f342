"""Ask the quotas when each carriage may go; those that may not yet go back with the moment when they could."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from hub.outgoing.pump.parcels import Berth, Carriage, Load, Unsent
from hub.throttle.reserve import Demand, Reserved, reserve

HORIZON = timedelta(seconds=1)  # calls are booked so far ahead
REST_MOST = timedelta(seconds=1)  # of a lane with a spent quota: others of its scopes may be free

Group = Sequence[tuple[Load, Carriage]]


def book(lease: UUID, loads: Sequence[Load], *, now: datetime, lead: timedelta) -> list[Unsent]:
    """Fills the departures of the loads, what is paced not before `lead` from now; gives what does not go."""
    alike: dict[object, list[tuple[Load, Carriage]]] = {}
    for load in loads:
        for carriage in load.carriages:
            alike.setdefault((carriage.spent, carriage.background), []).append((load, carriage))
    groups = list(alike.values())
    answers = reserve([demand_of(group) for group in groups], now=now, horizon=HORIZON, lead=lead, lease=lease)
    unsent: list[Unsent] = []
    for group, reserved in zip(groups, answers, strict=True):
        berth = berth_of(group, reserved)
        for (load, carriage), moment in zip(group, reserved.at, strict=False):
            carriage.berth, carriage.probed_at = berth, moment if reserved.probes else None
            load.departures.append((moment, carriage))
        again = reserved.again - lead if group[0][1].paced else reserved.again  # in time to be booked ahead
        for load, carriage in group[len(reserved.at) :]:
            load.rests_until = min(again, now + REST_MOST)
            unsent.append(Unsent(load, carriage, due_at=again, reason="throttled"))
    return unsent


def demand_of(group: Group) -> Demand:
    """`at_once`: how many of these calls may be in flight at the same time, as far as their lanes say."""
    calls = Counter(load.lane.pk for load, _ in group)
    most = {load.lane.pk: load.lane.in_flight for load, _ in group}
    at_once = sum(min(count, most[lane]) for lane, count in calls.items())
    first = group[0][1]
    return Demand(first.spent, len(group), at_once, first.background)


def berth_of(group: Group, reserved: Reserved) -> Berth | None:
    keys = demand_of(group).in_flight
    if not keys or not reserved.at:
        return None
    return Berth(keys, reserved.room, len(reserved.at), asyncio.Semaphore(reserved.room))
