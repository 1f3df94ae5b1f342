"""Calls in flight, counted over all pumps and machines: room is taken under a lease, and dies with its holder."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Case, F, Value, When
from django.db.models.functions import Greatest

from connectors.wire import InFlight, Quota
from hub.throttle.models import InFlightLease
from hub.throttle.pace import Standing, limit_of

LEASE = timedelta(seconds=12)  # as of a pump's place


@dataclass(slots=True)
class Rooms:
    """How much room each scope of calls in flight has, while its row is locked."""

    limits: Mapping[str, int]
    taken: dict[str, int]  # by anybody
    mine: dict[str, int]
    begun: Mapping[str, int]  # what was mine before

    @classmethod
    def of(
        cls,
        wanted: Mapping[str, Quota | None],
        standings: Mapping[str, Standing],
        lease: UUID,
        *,
        now: datetime,
    ) -> "Rooms":
        limits = {key: limit_of(quota, standings[key]) for key, quota in wanted.items() if isinstance(quota, InFlight)}
        taken, mine = dict.fromkeys(limits, 0), dict.fromkeys(limits, 0)
        if limits:
            for holder in InFlightLease.objects.filter(key__in=list(limits), until__gt=now):
                taken[holder.key] += holder.count
                mine[holder.key] += holder.count if holder.lease == lease else 0
        return cls(limits, taken, mine, dict(mine))

    def free(self, key: str, *, kept: float) -> int:
        limit = self.limits[key]
        return limit - min(int(limit * kept), limit - 1) - self.taken[key]

    def take(self, keys: list[str], count: int, *, kept: float) -> int:
        """As much as there is, at most `count`."""
        room = max(0, min([count, *(self.free(key, kept=kept) for key in keys)]))
        self.add(keys, room)
        return room

    def add(self, keys: list[str], count: int) -> None:
        for key in keys:
            self.taken[key] += count
            self.mine[key] += count

    def save(self, lease: UUID, *, now: datetime) -> None:
        changed = [key for key, count in self.mine.items() if count != self.begun[key]]
        if changed:
            InFlightLease.objects.bulk_create(
                [
                    InFlightLease(key=key, lease=lease, count=self.mine[key], until=now + LEASE)
                    for key in sorted(changed)
                ],
                update_conflicts=True,
                unique_fields=["key", "lease"],
                update_fields=["count", "until"],
            )


def give_back(lease: UUID, room: Mapping[str, int]) -> None:
    """These calls have ended; one statement for all scopes. What a lapsed lease lost already is not given twice."""
    less = Case(*[When(key=key, then=Value(count)) for key, count in room.items()])
    InFlightLease.objects.filter(lease=lease, key__in=list(room)).update(count=Greatest(F("count") - less, 0))


def keep(lease: UUID, *, until: datetime) -> None:
    """The holder lives so long at least."""
    InFlightLease.objects.filter(lease=lease).update(until=until)


def leave(lease: UUID) -> None:
    InFlightLease.objects.filter(lease=lease).delete()


def bury(*, now: datetime) -> None:
    """Those whose pump died hold nothing any more."""
    InFlightLease.objects.filter(until__lt=now - LEASE).delete()
