"""Set aside what was claimed and waits for quotas, so that its lane is free for what may go."""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from hub.outgoing.pump.claim import turn_back
from hub.outgoing.pump.parcels import Load, Unsent
from hub.outgoing.pump.release import release
from hub.outgoing.pump.settle import apply, changes_of
from hub.outgoing.pump.strides import Strides


def park(
    lease: UUID,
    loads: Sequence[Load],
    unsent: Sequence[Unsent],
    strides: Strides,
    *,
    now: datetime,
    random: Callable[[], float],
) -> list[Load]:
    """Write down what waits, and give back the lanes of which all waits. The loads that go."""
    if not unsent:
        return list(loads)
    apply(lease, list(changes_of(unsent, now=now, random=random)), now=now)
    parked = {wait.load.lane.pk for wait in unsent}
    going = [load for load in loads if load.departures or load.lane.pk not in parked]
    idle = parked.difference(load.lane.pk for load in going)
    turn_back(lease, {load.lane.pk: load.sends for load in loads if load.lane.pk in parked}, now=now)
    release(lease, idle, now=now)
    for lane in idle:
        strides.learn_parked(lane)
    return going
