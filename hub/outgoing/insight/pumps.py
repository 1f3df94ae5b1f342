"""Figures of the pumps: which run, what they send, and how long lanes wait for them."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import count, islice
from typing import NamedTuple
from uuid import UUID

from django.db.models import Count, Min
from django.db.models.functions import Greatest

from hub.outgoing.pump.claiming.claim import claimable_lanes, deliveries_in_flight
from hub.processes.loop_slots import LoopSlot, active_leases, pump_capacity
from hub.processes.worker_registry import Worker


class PumpClaim(NamedTuple):
    """The deliveries that one pump has claimed and is sending."""

    lease: UUID
    delivery_count: int
    since: datetime


def count_pumps(workers: Iterable[Worker], *, total: int, now: datetime) -> tuple[int, int]:
    """Return the number of running pumps, and how many may run."""
    return len(active_leases("pump", now=now)), pump_capacity(workers, total=total, now=now)


def list_pump_slots(workers: Sequence[Worker], *, total: int, now: datetime) -> list[LoopSlot]:
    """Return a slot for each running pump, and an empty one for each that may start."""
    taken_places = list(
        LoopSlot.objects.filter(kind="pump", lease_until__gt=now).order_by("number")
    )
    free_count = pump_capacity(workers, total=total, now=now) - len(taken_places)
    unused = (
        number for number in count() if number not in {place.number for place in taken_places}
    )
    free_places = islice(unused, max(0, free_count))
    return taken_places + [LoopSlot(kind="pump", number=number) for number in free_places]


def list_pump_claims() -> list[PumpClaim]:
    rows = deliveries_in_flight().order_by().values("lease")
    claims = rows.annotate(rows=Count("pk"), since=Min("state_changed_at")).values_list(
        "lease", "rows", "since"
    )
    return sorted(map(PumpClaim._make, claims), key=lambda claim: claim.since)


def count_deliveries_in_flight() -> int:
    return deliveries_in_flight().count()


def longest_unserved_time(*, now: datetime) -> timedelta:
    oldest = claimable_lanes(now=now).aggregate(since=Min(Greatest("due_at", "virtual_time")))[
        "since"
    ]
    return max(now - oldest, timedelta()) if oldest else timedelta()
