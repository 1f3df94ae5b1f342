"""Book calls one by one, the earliest possible first, so that no demand delays another."""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from connectors.http import Budget, Quota, Rate
from hub.throttle.demand import Demand, Reservation, ScopeCost
from hub.throttle.in_flight_leases import InFlightCapacity
from hub.throttle.limits import (
    SEND_DELAY,
    QuotaSnapshot,
    can_spend_at_once,
    delayed_burst,
    delayed_interval,
    effective_limit,
    fixed_window_end,
    is_quiet_rate,
    scope_opens_at,
    spend_units,
)

NO_SHARES: Mapping[str, float] = {}
PROBE_TIMEOUT = timedelta(seconds=5)  # after which another probe is sent
CAPACITY_RETRY = timedelta(seconds=0.25)  # until the next look when all slots are taken


@dataclass(slots=True)
class Booking:
    """The calls of one demand that are booked so far."""

    demand: Demand
    scopes: list[ScopeCost]  # those of its scopes that have a row
    # by scope key, the share of its quota that is left free for live work
    shares_left_free: Mapping[str, float]
    is_paced: bool  # by a rate
    call_times: list[datetime] = field(default_factory=list)
    granted_calls: int = 0  # how many calls may be in flight at once
    is_probe: bool = False
    can_be_delayed: bool = False  # its calls are booked now, and may be sent within SEND_DELAY

    @classmethod
    def of(
        cls,
        demand: Demand,
        snapshots: dict[str, QuotaSnapshot],
        live_shares: Mapping[str, float] = NO_SHARES,
    ) -> "Booking":
        """Return an empty booking. `live_shares`: by scope, what low priority leaves free."""
        scopes = [scope for scope in demand.scopes if scope.key in snapshots]
        is_paced = any(isinstance(scope.quota, Rate) for scope in scopes)
        return cls(demand, scopes, live_shares if demand.low_priority else NO_SHARES, is_paced)

    def share_left_free(self, scope_key: str) -> float:
        """Return the share of a scope's quota that is left free for live work."""
        return self.shares_left_free.get(scope_key, 0.0)

    @property
    def scope_keys(self) -> list[str]:
        return [scope.key for scope in self.scopes]

    @property
    def is_complete(self) -> bool:
        return len(self.call_times) >= self.demand.calls

    @property
    def next_rank(self) -> int:
        """Return the rank of the next call."""
        ranks, booked = self.demand.ranks, len(self.call_times)
        return ranks[booked] if ranks else booked


@dataclass(slots=True)
class ScopeDemand:
    """What several demands together spend of one scope: units, and the largest share left free."""

    quota: Quota | None
    units: int = 0
    share_left_free: float = 0.0


@dataclass(slots=True)
class CallBooker:
    """Books the calls of several demands; changes `snapshots`.

    No call is booked after `until`. A call with a paced rate is booked at least `lead` ahead.
    """

    bookings: Sequence[Booking]
    snapshots: dict[str, QuotaSnapshot]
    capacity: InFlightCapacity
    now: datetime
    lead: timedelta
    until: datetime
    can_delay: bool = False

    def book_all(self) -> list[Reservation]:
        """Return a reservation for each demand, in order."""
        for booking in self.bookings:
            booking.granted_calls = self.acquire_capacity(booking)
            if not booking.scopes:
                booking.call_times = [self.now] * booking.demand.calls
        ready = [booking for booking in self.bookings if booking.granted_calls and booking.scopes]
        self.book_calls(ready)
        return [self.build_reservation(booking) for booking in self.bookings]

    def book_calls(self, bookings: Sequence[Booking]) -> None:
        """Book calls whose scopes have room for all of the demand at once, then the rest singly."""
        at_once = self.find_bookings_with_room(bookings)
        for booking in self.find_delayable_bookings(at_once) if self.can_delay else ():
            booking.can_be_delayed = True
        for booking in at_once:
            is_now = booking.can_be_delayed or (self.can_delay and self.is_quiet(booking))
            at = self.now if is_now else self.opens_at(booking)
            self.book_call(booking, at, calls=booking.demand.calls)
        self.book_in_turn_order([booking for booking in bookings if not booking.is_complete])

    def find_bookings_with_room(self, bookings: Sequence[Booking]) -> list[Booking]:
        """Return bookings whose scopes allow all calls of `bookings` at the first possible time."""
        roomy_keys = {
            key
            for key, demand in combine_demands(bookings).items()
            if can_spend_at_once(
                demand.quota,
                self.snapshots[key],
                self.now,
                units=demand.units,
                share=demand.share_left_free,
            )
        }
        return [
            booking
            for booking in bookings
            if roomy_keys.issuperset(booking.scope_keys)
            and self.opens_at(booking) <= self.booking_end(booking)
        ]

    def find_delayable_bookings(self, bookings: Sequence[Booking]) -> list[Booking]:
        """Return the paced bookings, all of whose calls may be sent within SEND_DELAY."""
        delayable_keys = {
            key
            for key, demand in combine_demands(bookings).items()
            if has_delayed_units(demand.quota, self.snapshots[key], self.now, units=demand.units)
        }
        latest = self.now + SEND_DELAY
        return [
            booking
            for booking in bookings
            if booking.is_paced
            and delayable_keys.issuperset(booking.scope_keys)
            and all(end > latest for end in self.window_ends(booking))
        ]

    def is_quiet(self, booking: Booking) -> bool:
        """Return whether all its rates are fast, and have recovered from the calls before.

        A call is then a small part of a window, so that it needs no lead to be exactly in time.
        """
        return all(
            is_quiet_rate(scope.quota, self.snapshots[scope.key], self.now)
            for scope in booking.scopes
            if isinstance(scope.quota, Rate)
        )

    def book_in_turn_order(self, bookings: Sequence[Booking]) -> None:
        """Book call by call: the earliest possible time first, then the lowest rank."""
        turns = [
            (self.opens_at(booking), booking.next_rank, number)
            for number, booking in enumerate(bookings)
        ]
        heapq.heapify(turns)
        while turns:
            possible_at, rank, number = heapq.heappop(turns)
            booking = bookings[number]
            opens_at = self.opens_at(booking)  # another call may have spent meanwhile
            if opens_at > self.booking_end(booking):
                continue
            if opens_at > possible_at:
                heapq.heappush(turns, (opens_at, rank, number))
                continue
            self.book_call(booking, possible_at)
            if not booking.is_complete:
                heapq.heappush(turns, (possible_at, booking.next_rank, number))

    def acquire_capacity(self, booking: Booking) -> int:
        """Return how many calls may be in flight at once; 0 without a free slot or a demand."""
        demand = booking.demand
        count = min(demand.calls, demand.calls_at_once or demand.calls)
        if not demand.in_flight or not count:
            return count
        return self.capacity.acquire(
            demand.in_flight, count, reserved_shares=booking.shares_left_free
        )

    def build_reservation(self, booking: Booking) -> Reservation:
        demand, call_times = booking.demand, tuple(booking.call_times)
        if not booking.scopes:
            return Reservation(call_times, self.now)
        next_at, closed = self.opens_at(booking), self.closed_scopes(booking)
        can_be_delayed, probes = booking.can_be_delayed, booking.is_probe
        if not demand.in_flight:
            return Reservation(call_times, next_at, 0, probes, closed, can_be_delayed)
        if not booking.granted_calls:
            next_at = max(next_at, self.now + CAPACITY_RETRY)
            closed = dict.fromkeys(demand.in_flight, next_at) | closed
        used = min(booking.granted_calls, len(call_times))
        # release unused slots
        self.capacity.add_calls(demand.in_flight, used - booking.granted_calls)
        return Reservation(call_times, next_at, used, probes, closed, can_be_delayed)

    def closed_scopes(self, booking: Booking) -> dict[str, datetime]:
        """Return the scopes that allow no further call within the horizon, and when each opens."""
        end = self.booking_end(booking)
        opens = {scope.key: self.scope_opens_at(booking, scope) for scope in booking.scopes}
        return {key: opens_at for key, opens_at in opens.items() if opens_at > end}

    def opens_at(self, booking: Booking) -> datetime:
        """Return when the next call is possible."""
        opens_at = max(self.scope_opens_at(booking, scope) for scope in booking.scopes)
        return max(opens_at, self.now + self.lead) if booking.is_paced else opens_at

    def scope_opens_at(self, booking: Booking, scope: ScopeCost) -> datetime:
        snapshot, share = self.snapshots[scope.key], booking.share_left_free(scope.key)
        if scope.quota is None:
            return max(self.now, snapshot.paused_until or self.now)
        return scope_opens_at(scope.quota, snapshot, self.now, cost=scope.cost, share=share)

    def booking_end(self, booking: Booking) -> datetime:
        """Return until when calls may be booked: a budget's end, as later ones count anew."""
        window_ends = self.window_ends(booking)
        return min([self.until, *(end - timedelta(microseconds=1) for end in window_ends)])

    def window_ends(self, booking: Booking) -> list[datetime]:
        """Return when the windows of the booking's budgets end, if known."""
        snapshots = [
            self.snapshots[scope.key] for scope in booking.scopes if isinstance(scope.quota, Budget)
        ]
        ends = (fixed_window_end(snapshot, self.now) for snapshot in snapshots)
        return [end for end in ends if end]

    def book_call(self, booking: Booking, at: datetime, *, calls: int = 1) -> None:
        """Book calls at one time, and spend their units."""
        for scope in booking.scopes:
            booking.is_probe = booking.is_probe or self.snapshots[scope.key].is_probing
            share = booking.share_left_free(scope.key)
            snapshot = self.snapshot_after(scope, at, share, calls=calls)
            if booking.can_be_delayed:
                snapshot = spend_delayed_units(scope.quota, snapshot, scope.cost * calls, at=at)
            self.snapshots[scope.key] = snapshot
        booking.call_times += [at] * calls

    def snapshot_after(
        self, scope: ScopeCost, at: datetime, share: float, *, calls: int
    ) -> QuotaSnapshot:
        """Return the scope's row after these calls."""
        snapshot = self.snapshots[scope.key]
        if snapshot.is_probing:  # one call is sent, and the others wait for its response
            snapshot = replace(snapshot, paused_at=self.now, paused_until=at + PROBE_TIMEOUT)
        if scope.quota is None:
            return snapshot
        return spend_units(
            scope.quota, snapshot, scope.cost * calls, at=at, now=self.now, share=share
        )


def combine_demands(bookings: Sequence[Booking]) -> dict[str, ScopeDemand]:
    """Return by scope key the total demand of these bookings."""
    scope_demands: dict[str, ScopeDemand] = {}
    for booking in bookings:
        for scope in booking.scopes:
            scope_demand = scope_demands.setdefault(scope.key, ScopeDemand(scope.quota))
            scope_demand.units += scope.cost * booking.demand.calls
            share = booking.share_left_free(scope.key)
            scope_demand.share_left_free = max(scope_demand.share_left_free, share)
    return scope_demands


def has_delayed_units(
    quota: Quota | None, snapshot: QuotaSnapshot, now: datetime, *, units: int
) -> bool:
    """Return whether units that are booked now may be spent at any time within SEND_DELAY.

    This checks only a rate's share for delayed calls; `can_spend_at_once` checks the rate itself.
    """
    if not isinstance(quota, Rate):
        return True
    limit = effective_limit(quota, snapshot)
    free_at = snapshot.delayed_free_at or now
    most = delayed_burst(limit)
    return units <= most and free_at + delayed_interval(limit) * (units - most) <= now


def spend_delayed_units(
    quota: Quota | None, snapshot: QuotaSnapshot, units: int, *, at: datetime
) -> QuotaSnapshot:
    """Return the snapshot after spending `units` of a rate's share for delayed calls."""
    if not isinstance(quota, Rate):
        return snapshot
    step = delayed_interval(effective_limit(quota, snapshot))
    return replace(snapshot, delayed_free_at=max(snapshot.delayed_free_at or at, at) + step * units)
