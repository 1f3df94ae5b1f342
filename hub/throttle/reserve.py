"""Take all scopes of a request in one short transaction, or none, and say when the calls may go."""

import heapq
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from connectors.wire import Budget, InFlight, Quota, Rate
from hub import rows
from hub.asked import Asked
from hub.failpoints import failpoint
from hub.throttle.holders import Rooms
from hub.throttle.mend import mended
from hub.throttle.models import QuotaState
from hub.throttle.pace import AHEAD, Standing, fits_at_once, fixed, open_at, spend

PROBE = timedelta(seconds=5)  # how long one probe may take before another goes
ROOM_LOOK = timedelta(seconds=0.25)  # where all room for calls in flight is taken, it is looked at again after this
COLUMNS = tuple(Standing.__dataclass_fields__)
NOBODY = UUID(int=0)
LOCKED = Asked(lambda *, keys: QuotaState.objects.select_for_update().filter(key__among=keys).order_by("key"))
STANDING = Asked(lambda *, keys: QuotaState.objects.filter(key__among=keys).values_list("key")[:1])


@dataclass(frozen=True, slots=True)
class Spent:
    """One scope that a call spends: the row's key, what it allows (None: not limited, but a 429 may pause it)."""

    key: str
    quota: Quota | None
    cost: int = 1


@dataclass(frozen=True, slots=True)
class Demand:
    """`calls` requests that each spend all of `scopes`, at most `at_once` of them at the same time.

    Work in the `background` leaves HUB_LIVE_SHARE of each quota free for live work. `ranks`, one for each call, say who
    goes first where several demands may: the lowest.
    """

    scopes: tuple[Spent, ...]
    calls: int
    at_once: int = 0  # 0: all of them
    low_priority: bool = False
    ranks: Sequence[int] = ()  # empty: from 0 on, so that demands take turns

    @property
    def in_flight(self) -> list[str]:
        """The scopes in which it takes room."""
        return [spent.key for spent in self.scopes if isinstance(spent.quota, InFlight)]


@dataclass(frozen=True, slots=True)
class Reserved:
    """The moments at which calls may go, at most as many as were asked for; `again` is when the next could.

    `room` is how many may be in flight at the same time, where a scope counts that. `closed` are the scopes that no
    further call may spend within the horizon, and when each opens.
    """

    at: tuple[datetime, ...]
    again: datetime
    room: int = 0
    probes: bool = False  # one of its scopes was paused: what comes of these calls tells whether it is open again
    closed: Mapping[str, datetime] = field(default_factory=dict)


def reserve(
    demands: Sequence[Demand],
    *,
    now: datetime,
    horizon: timedelta,
    lead: timedelta = timedelta(0),
    lease: UUID = NOBODY,
) -> list[Reserved]:
    """Book calls up to `horizon` ahead; what would go later is not booked. One answer for each demand, in order.

    A call that a rate paces is booked `lead` ahead at least, so that whoever is late by less is in time. `lease` holds
    the room for calls in flight, until `holders.give_back`.
    """
    wanted = {spent.key: spent.quota for demand in demands for spent in demand.scopes}
    if is_unlimited(wanted):
        return [Reserved((now,) * demand.calls, now) for demand in demands]
    with transaction.atomic():
        scopes = lock(wanted)
        stored = {key: standing_of(scope) for key, scope in scopes.items()}
        standings = {key: mended(wanted[key], standing, now) for key, standing in stored.items()}
        rooms = Rooms.of(wanted, standings, lease, now=now)
        book = Book(demands, standings, rooms, now=now, lead=lead, until=now + lead + min(horizon, AHEAD))
        answers = book.answers()
        save(scopes, stored, standings, now=now)
        rooms.save(lease, now=now)
        failpoint("O8")  # in the middle of reserving
    return answers


def is_unlimited(wanted: Mapping[str, Quota | None]) -> bool:
    """Nothing states a quota, and no 429 ever paused one of these: so it is for most, and takes no transaction."""
    return not any(wanted.values()) and not STANDING.rows(keys=list(wanted))


# --- the rows --------------------------------------------------------------------------------------------------------


def lock(wanted: Mapping[str, Quota | None]) -> dict[str, QuotaState]:
    """The rows of these keys, locked in key order; those with a quota are made where they are missing."""
    scopes = locked(wanted)
    missing = [key for key, quota in wanted.items() if quota is not None and key not in scopes]
    if missing:
        QuotaState.objects.bulk_create([new_row(key) for key in sorted(missing)], ignore_conflicts=True)
        scopes = locked(wanted)
    return scopes


def locked(keys: Iterable[str]) -> dict[str, QuotaState]:
    return {scope.key: scope for scope in LOCKED.models(keys=list(keys))}


def new_row(key: str) -> QuotaState:
    connector, kind, *_ = key.split("|")
    return QuotaState(key=key, connector_key=connector, kind=kind)


def standing_of(row: QuotaState) -> Standing:
    columns = {name: getattr(row, name) for name in COLUMNS}
    return Standing(**columns | {"spent": buckets_of(row.spent)})


def buckets_of(stored: Any) -> tuple[tuple[float, int], ...]:
    """What was edited to nonsense counts as nothing spent."""
    try:
        return tuple(sorted((float(end), max(0, int(units))) for end, units in stored))
    except (TypeError, ValueError, OverflowError):
        return ()


def save(
    scopes: Mapping[str, QuotaState],
    stored: Mapping[str, Standing],
    standings: Mapping[str, Standing],
    *,
    now: datetime,
) -> None:
    """Write what changed, in one statement."""
    changed = [key for key, standing in standings.items() if standing != stored[key]]
    names = [
        name for name in COLUMNS if any(getattr(standings[key], name) != getattr(stored[key], name) for key in changed)
    ]
    columns = {name: [getattr(standings[key], name) for key in changed] for name in names}
    rows.update(QuotaState, [scopes[key].pk for key in changed], columns | {"updated_at": [now] * len(changed)})


# --- the book --------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Book:
    """Books call after call, whichever may go first, so that one that waits delays no other; changes `standings`."""

    demands: Sequence[Demand]
    standings: dict[str, Standing]
    rooms: Rooms
    now: datetime
    lead: timedelta
    until: datetime
    known: list[list[Spent]] = field(default_factory=list)  # of each demand: the scopes that have a row
    moments: list[list[datetime]] = field(default_factory=list)
    probes: set[int] = field(default_factory=set)

    def answers(self) -> list[Reserved]:
        everybody = range(len(self.demands))
        self.known = [[spent for spent in demand.scopes if spent.key in self.standings] for demand in self.demands]
        self.moments = [[] if self.known[number] else [self.now] * self.demands[number].calls for number in everybody]
        room = [self.room(number) for number in everybody]
        self.take_turns([number for number in everybody if room[number] and self.known[number]])
        return [self.answer(number, room[number]) for number in everybody]

    def take_turns(self, numbers: Sequence[int]) -> None:
        """Book all calls in one step where all fit now; otherwise one after another, the earliest possible first."""
        if self.all_fit_at_once(numbers):
            for number in numbers:
                self.book(number, self.opens(number), calls=self.demands[number].calls)
        else:
            self.book_in_turn(numbers)

    def all_fit_at_once(self, numbers: Sequence[int]) -> bool:
        """Return whether the scopes allow all calls of these demands at the first moment of each."""
        units: Counter[str] = Counter()
        quotas = {}
        for number in numbers:
            for spent in self.known[number]:
                units[spent.key] += spent.cost * self.demands[number].calls
                quotas[spent.key] = spent.quota
        share = max((share_of(self.demands[number]) for number in numbers), default=0.0)
        return all(
            fits_at_once(quota, self.standings[key], self.now, units=units[key], share=share)
            for key, quota in quotas.items()
        ) and all(self.opens(number) <= self.end(number) for number in numbers)

    def book_in_turn(self, numbers: Sequence[int]) -> None:
        turns = [(self.opens(number), self.rank(number), number) for number in numbers]
        heapq.heapify(turns)
        while turns:
            moment, rank, number = heapq.heappop(turns)
            opens = self.opens(number)  # others may have spent meanwhile
            if opens > self.end(number):
                continue
            if opens > moment:
                heapq.heappush(turns, (opens, rank, number))
            else:
                self.book(number, moment)
                if len(self.moments[number]) < self.demands[number].calls:
                    heapq.heappush(turns, (moment, self.rank(number), number))

    def rank(self, number: int) -> int:
        """Of its next call."""
        ranks, booked = self.demands[number].ranks, len(self.moments[number])
        return ranks[booked] if ranks else booked

    def room(self, number: int) -> int:
        """For how many calls at the same time; 0 where all is taken, and where nothing is asked for."""
        demand = self.demands[number]
        count = min(demand.calls, demand.at_once or demand.calls)
        if not demand.in_flight or not count:
            return count
        return self.rooms.take(demand.in_flight, count, kept=share_of(demand))

    def answer(self, number: int, room: int) -> Reserved:
        demand, moments, probes = self.demands[number], tuple(self.moments[number]), number in self.probes
        if not self.known[number]:
            return Reserved(moments, self.now)
        again, closed = self.opens(number), self.closed(number)
        if not demand.in_flight:
            return Reserved(moments, again, probes=probes, closed=closed)
        if not room:
            again = max(again, self.now + ROOM_LOOK)
            closed = dict.fromkeys(demand.in_flight, again) | closed
        used = min(room, len(moments))
        self.rooms.add(demand.in_flight, used - room)  # what is not used is not taken
        return Reserved(moments, again, used, probes, closed)

    def closed(self, number: int) -> dict[str, datetime]:
        share, end = share_of(self.demands[number]), self.end(number)
        opens = {spent.key: self.scope_opens(spent, share) for spent in self.known[number]}
        return {key: moment for key, moment in opens.items() if moment > end}

    def opens(self, number: int) -> datetime:
        share = share_of(self.demands[number])
        opens = max(self.scope_opens(spent, share) for spent in self.known[number])
        paced = any(isinstance(spent.quota, Rate) for spent in self.known[number])
        return max(opens, self.now + self.lead) if paced else opens

    def scope_opens(self, spent: Spent, share: float) -> datetime:
        standing = self.standings[spent.key]
        if spent.quota is None:
            return max(self.now, standing.paused_until or self.now)
        return open_at(spent.quota, standing, self.now, cost=spent.cost, share=share)

    def end(self, number: int) -> datetime:
        """Nothing is booked beyond the end of a budget's window: it would count in the next."""
        ends = [
            self.standings[spent.key].window_ends
            for spent in self.known[number]
            if isinstance(spent.quota, Budget) and fixed(self.standings[spent.key], self.now)
        ]
        return min([self.until, *(end - timedelta(microseconds=1) for end in ends if end)])

    def book(self, number: int, at: datetime, *, calls: int = 1) -> None:
        for spent in self.known[number]:
            if self.standings[spent.key].probing:
                self.probes.add(number)
            self.standings[spent.key] = self.booked(spent, at, share_of(self.demands[number]), calls=calls)
        self.moments[number] += [at] * calls

    def booked(self, spent: Spent, at: datetime, share: float, *, calls: int) -> Standing:
        standing = self.standings[spent.key]
        if standing.probing:  # one call goes; the others wait for what it finds
            standing = replace(standing, paused_at=self.now, paused_until=at + PROBE)
        if spent.quota is None:
            return standing
        return spend(spent.quota, standing, spent.cost * calls, at=at, now=self.now, share=share)


def share_of(demand: Demand) -> float:
    return settings.HUB_LIVE_SHARE if demand.low_priority else 0.0
