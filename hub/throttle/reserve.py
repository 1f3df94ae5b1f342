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

from connectors.http import Budget, InFlight, Quota, Rate
from hub.db import bulk
from hub.db.prepared import PreparedQuery
from hub.processes.failpoints import failpoint
from hub.throttle.in_flight_leases import InFlightCapacity
from hub.throttle.limits import (
    MAX_BOOKING_AHEAD,
    QuotaSnapshot,
    fits_at_once,
    has_fixed_window,
    scope_opens_at,
    spend_units,
)
from hub.throttle.models import QuotaState
from hub.throttle.sanitize import sanitize_snapshot

PROBE_TIMEOUT = timedelta(seconds=5)  # how long one probe may take before another goes
CAPACITY_RETRY = timedelta(
    seconds=0.25
)  # where all room for calls in flight is taken, it is looked at again after this
SNAPSHOT_COLUMNS = tuple(QuotaSnapshot.__dataclass_fields__)
NO_LEASE = UUID(int=0)
LOCKED = PreparedQuery(
    lambda *, keys: QuotaState.objects.select_for_update().filter(key__any_of=keys).order_by("key")
)
EXISTING_KEYS = PreparedQuery(
    lambda *, keys: QuotaState.objects.filter(key__any_of=keys).values_list("key")[:1]
)


@dataclass(frozen=True, slots=True)
class ScopeCost:
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

    scopes: tuple[ScopeCost, ...]
    calls: int
    at_once: int = 0  # 0: all of them
    low_priority: bool = False
    ranks: Sequence[int] = ()  # empty: from 0 on, so that demands take turns

    @property
    def in_flight(self) -> list[str]:
        """The scopes in which it takes room."""
        return [scope.key for scope in self.scopes if isinstance(scope.quota, InFlight)]


@dataclass(frozen=True, slots=True)
class Reservation:
    """The moments at which calls may go, at most as many as were asked for; `again` is when the next could.

    `room` is how many may be in flight at the same time, where a scope counts that. `closed` are the scopes that no
    further call may spend within the horizon, and when each opens.
    """

    call_times: tuple[datetime, ...]
    next_at: datetime
    max_in_flight: int = 0
    probes: bool = False  # one of its scopes was paused: what comes of these calls tells whether it is open again
    closed: Mapping[str, datetime] = field(default_factory=dict)


def reserve_calls(
    demands: Sequence[Demand],
    *,
    now: datetime,
    horizon: timedelta,
    lead: timedelta = timedelta(0),
    lease: UUID = NO_LEASE,
) -> list[Reservation]:
    """Book calls up to `horizon` ahead; what would go later is not booked. One answer for each demand, in order.

    A call that a rate paces is booked `lead` ahead at least, so that whoever is late by less is in time. `lease` holds
    the room for calls in flight, until `holders.give_back`.
    """
    quotas = {scope.key: scope.quota for demand in demands for scope in demand.scopes}
    if is_unlimited(quotas):
        return [Reservation((now,) * demand.calls, now) for demand in demands]
    with transaction.atomic():
        scopes = _lock_quota_states(quotas)
        stored = {key: snapshot_of(scope) for key, scope in scopes.items()}
        snapshots = {
            key: sanitize_snapshot(quotas[key], standing, now) for key, standing in stored.items()
        }
        capacity = InFlightCapacity.load(quotas, snapshots, lease, now=now)
        booking = CallBooking(
            demands,
            snapshots,
            capacity,
            now=now,
            lead=lead,
            until=now + lead + min(horizon, MAX_BOOKING_AHEAD),
        )
        reservations = booking.book_all()
        save_snapshots(scopes, stored, snapshots, now=now)
        capacity.save(lease, now=now)
        failpoint("O8")  # in the middle of reserving
    return reservations


def is_unlimited(quotas: Mapping[str, Quota | None]) -> bool:
    """Nothing states a quota, and no 429 ever paused one of these: so it is for most, and takes no transaction."""
    return not any(quotas.values()) and not EXISTING_KEYS.fetch_rows(keys=list(quotas))


# --- the rows --------------------------------------------------------------------------------------------------------


def _lock_quota_states(quotas: Mapping[str, Quota | None]) -> dict[str, QuotaState]:
    """The rows of these keys, locked in key order; those with a quota are made where they are missing."""
    scopes = select_locked(quotas)
    missing = [key for key, quota in quotas.items() if quota is not None and key not in scopes]
    if missing:
        QuotaState.objects.bulk_create(
            [new_quota_state(key) for key in sorted(missing)], ignore_conflicts=True
        )
        scopes = select_locked(quotas)
    return scopes


def select_locked(keys: Iterable[str]) -> dict[str, QuotaState]:
    return {scope.key: scope for scope in LOCKED.fetch_models(keys=list(keys))}


def new_quota_state(key: str) -> QuotaState:
    connector, kind, *_ = key.split("|")
    return QuotaState(key=key, connector_key=connector, kind=kind)


def snapshot_of(quota_state: QuotaState) -> QuotaSnapshot:
    columns = {name: getattr(quota_state, name) for name in SNAPSHOT_COLUMNS}
    return QuotaSnapshot(**columns | {"spent": parse_buckets(quota_state.spent)})


def parse_buckets(stored: Any) -> tuple[tuple[float, int], ...]:
    """What was edited to nonsense counts as nothing spent."""
    try:
        return tuple(sorted((float(end), max(0, int(units))) for end, units in stored))
    except (TypeError, ValueError, OverflowError):
        return ()


def save_snapshots(
    scopes: Mapping[str, QuotaState],
    stored: Mapping[str, QuotaSnapshot],
    snapshots: Mapping[str, QuotaSnapshot],
    *,
    now: datetime,
) -> None:
    """Write what changed, in one statement."""
    changed_columns = [key for key, standing in snapshots.items() if standing != stored[key]]
    names = [
        name
        for name in SNAPSHOT_COLUMNS
        if any(
            getattr(snapshots[key], name) != getattr(stored[key], name) for key in changed_columns
        )
    ]
    columns = {name: [getattr(snapshots[key], name) for key in changed_columns] for name in names}
    bulk.update_rows(
        QuotaState,
        [scopes[key].pk for key in changed_columns],
        columns | {"updated_at": [now] * len(changed_columns)},
    )


# --- the book --------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class CallBooking:
    """Books call after call, whichever may go first, so that one that waits delays no other; changes `standings`."""

    demands: Sequence[Demand]
    snapshots: dict[str, QuotaSnapshot]
    capacity: InFlightCapacity
    now: datetime
    lead: timedelta
    until: datetime
    stored_scopes: list[list[ScopeCost]] = field(
        default_factory=list
    )  # of each demand: the scopes that have a row
    booked_times: list[list[datetime]] = field(default_factory=list)
    probes: set[int] = field(default_factory=set)

    def book_all(self) -> list[Reservation]:
        numbers = range(len(self.demands))
        self.stored_scopes = [
            [scope for scope in demand.scopes if scope.key in self.snapshots]
            for demand in self.demands
        ]
        self.booked_times = [
            [] if self.stored_scopes[number] else [self.now] * self.demands[number].calls
            for number in numbers
        ]
        granted_room = [self.acquire_capacity(number) for number in numbers]
        self.book_calls(
            [number for number in numbers if granted_room[number] and self.stored_scopes[number]]
        )
        return [self.build_reservation(number, granted_room[number]) for number in numbers]

    def book_calls(self, numbers: Sequence[int]) -> None:
        """Book all calls in one step where all fit now; otherwise one after another, the earliest possible first."""
        if self.all_fit_at_once(numbers):
            for number in numbers:
                self.book_call(number, self.opens(number), calls=self.demands[number].calls)
        else:
            self.book_in_turn_order(numbers)

    def all_fit_at_once(self, numbers: Sequence[int]) -> bool:
        """Return whether the scopes allow all calls of these demands at the first moment of each."""
        units: Counter[str] = Counter()
        quotas = {}
        for number in numbers:
            for spent in self.stored_scopes[number]:
                units[spent.key] += spent.cost * self.demands[number].calls
                quotas[spent.key] = spent.quota
        share = max((_live_share(self.demands[number]) for number in numbers), default=0.0)
        return all(
            fits_at_once(quota, self.snapshots[key], self.now, units=units[key], share=share)
            for key, quota in quotas.items()
        ) and all(self.opens(number) <= self.booking_end(number) for number in numbers)

    def book_in_turn_order(self, numbers: Sequence[int]) -> None:
        turns = [(self.opens(number), self.next_rank(number), number) for number in numbers]
        heapq.heapify(turns)
        while turns:
            moment, rank, number = heapq.heappop(turns)
            opens = self.opens(number)  # others may have spent meanwhile
            if opens > self.booking_end(number):
                continue
            if opens > moment:
                heapq.heappush(turns, (opens, rank, number))
            else:
                self.book_call(number, moment)
                if len(self.booked_times[number]) < self.demands[number].calls:
                    heapq.heappush(turns, (moment, self.next_rank(number), number))

    def next_rank(self, number: int) -> int:
        """Of its next call."""
        ranks, booked = self.demands[number].ranks, len(self.booked_times[number])
        return ranks[booked] if ranks else booked

    def acquire_capacity(self, number: int) -> int:
        """For how many calls at the same time; 0 where all is taken, and where nothing is asked for."""
        demand = self.demands[number]
        count = min(demand.calls, demand.at_once or demand.calls)
        if not demand.in_flight or not count:
            return count
        return self.capacity.acquire(demand.in_flight, count, reserved_share=_live_share(demand))

    def build_reservation(self, number: int, granted_room: int) -> Reservation:
        demand, call_times, probes = (
            self.demands[number],
            tuple(self.booked_times[number]),
            number in self.probes,
        )
        if not self.stored_scopes[number]:
            return Reservation(call_times, self.now)
        next_at, closed = self.opens(number), self.closed(number)
        if not demand.in_flight:
            return Reservation(call_times, next_at, probes=probes, closed=closed)
        if not granted_room:
            next_at = max(next_at, self.now + CAPACITY_RETRY)
            closed = dict.fromkeys(demand.in_flight, next_at) | closed
        used = min(granted_room, len(call_times))
        self.capacity.add_calls(
            demand.in_flight, used - granted_room
        )  # what is not used is not taken
        return Reservation(call_times, next_at, used, probes, closed)

    def closed(self, number: int) -> dict[str, datetime]:
        share, end = _live_share(self.demands[number]), self.booking_end(number)
        opens = {
            scope.key: self.scope_opens_at(scope, share) for scope in self.stored_scopes[number]
        }
        return {key: opens_at for key, opens_at in opens.items() if opens_at > end}

    def opens(self, number: int) -> datetime:
        share = _live_share(self.demands[number])
        opens = max(self.scope_opens_at(scope, share) for scope in self.stored_scopes[number])
        is_paced = any(isinstance(scope.quota, Rate) for scope in self.stored_scopes[number])
        return max(opens, self.now + self.lead) if is_paced else opens

    def scope_opens_at(self, scope: ScopeCost, share: float) -> datetime:
        snapshot = self.snapshots[scope.key]
        if scope.quota is None:
            return max(self.now, snapshot.paused_until or self.now)
        return scope_opens_at(scope.quota, snapshot, self.now, cost=scope.cost, share=share)

    def booking_end(self, number: int) -> datetime:
        """Nothing is booked beyond the end of a budget's window: it would count in the next."""
        window_ends = [
            self.snapshots[scope.key].window_ends
            for scope in self.stored_scopes[number]
            if isinstance(scope.quota, Budget)
            and has_fixed_window(self.snapshots[scope.key], self.now)
        ]
        return min([self.until, *(end - timedelta(microseconds=1) for end in window_ends if end)])

    def book_call(self, number: int, at: datetime, *, calls: int = 1) -> None:
        for scope in self.stored_scopes[number]:
            if self.snapshots[scope.key].probing:
                self.probes.add(number)
            self.snapshots[scope.key] = self.snapshot_after(
                scope, at, _live_share(self.demands[number]), calls=calls
            )
        self.booked_times[number] += [at] * calls

    def snapshot_after(
        self, scope: ScopeCost, at: datetime, share: float, *, calls: int
    ) -> QuotaSnapshot:
        snapshot = self.snapshots[scope.key]
        if snapshot.probing:  # one call goes; the others wait for what it finds
            snapshot = replace(snapshot, paused_at=self.now, paused_until=at + PROBE_TIMEOUT)
        if scope.quota is None:
            return snapshot
        return spend_units(
            scope.quota, snapshot, scope.cost * calls, at=at, now=self.now, share=share
        )


def _live_share(demand: Demand) -> float:
    return settings.HUB_LIVE_SHARE if demand.low_priority else 0.0
