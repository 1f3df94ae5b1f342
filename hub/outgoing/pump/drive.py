"""The loop: claim lanes, send what they hold side by side, settle answers as they come, stay while there is work."""

import asyncio
import contextlib
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import itemgetter

from django.conf import settings
from django.db import Error

from hub.clock import Clock
from hub.connections import maintenance
from hub.failpoints import failpoint
from hub.outgoing.pump import line, place
from hub.outgoing.pump.attempt import Send, attempt
from hub.outgoing.pump.book import book
from hub.outgoing.pump.build import build
from hub.outgoing.pump.claim import claim, claim_suspects, suspects_wait, work_is_due
from hub.outgoing.pump.hands import AWAY, Hands
from hub.outgoing.pump.leases import new_lease
from hub.outgoing.pump.line import in_database
from hub.outgoing.pump.parcels import Carriage, Journey, Load, Unsent
from hub.outgoing.pump.parking import park
from hub.outgoing.pump.reading import Reading
from hub.outgoing.pump.settle import counts_of, hold
from hub.outgoing.pump.strides import LONG_AGO, Strides
from hub.outgoing.pump.tell import TURNS, paused_keys, rest_until
from hub.throttle import holders
from hub.throttle.answers import leap
from hub.throttle.pace import MARGIN

SLICE = 2.0  # seconds after which no further call of a slice begins, so that nobody waits behind a backlog
LOOK_EVERY, SUSPECT_EVERY = 0.02, 0.5  # seconds
WINDOWS_EVERY = timedelta(seconds=1)
BUSY = 0.03  # seconds of one turn of the loop: with so much in hand, what is claimed would only wait here
HELP_EVERY = 1.0  # seconds between calls for another pump
MANY, MUCH = 8, 32  # lanes or deliveries of one claim that are a reason for it
MISSED = timedelta(seconds=MARGIN)  # after its moment a call that is paced is booked again
LATE = MISSED / 2  # a pump that is so late books further ahead, before a call misses its moment
LEAD_LEAST, LEAD_MOST = timedelta(seconds=0.05), timedelta(seconds=1)  # a paced call is booked so far ahead at least
LEAD_HALVES = timedelta(seconds=1)
LEAP = timedelta(seconds=5)  # a clock that goes so far ahead at once was set, or stood still
AFTER_AWAY = 2.0  # seconds without a claim when it is back: first each pump keeps its leases, and settles
STAY, RUN = 30.0, 35.0  # seconds: without work it leaves after the one, with work it rings a successor after the other
PARKED_CLAIMS = 8  # in a row, where all that was claimed waits for quotas
SOCKETS = 900  # of one pump: the calls in flight, below the 1,024 files that a process may usually open

Outlet = Callable[[], AbstractAsyncContextManager[Send]]
Departures = Iterator[tuple[datetime, Carriage]]


def pump(
    *,
    clock: Clock,
    outlet: Outlet,
    random: Callable[[], float],
    stopping: Callable[[], bool] = lambda: False,
    again: Callable[[], object] = lambda: None,
    stay: float = STAY,
    run: float = RUN,
) -> bool:
    """Run one pump on one of the places, and whether there was a free one; ends by itself well within a minute."""
    lease = new_lease()
    if not place.take(lease, places=settings.HUB_PUMPS, total=settings.HUB_PUMPS_TOTAL, now=clock()):
        return False
    drive = Drive(lease, clock, random, stopping, stay, run)
    try:
        line.run(lambda: drive.run_through(outlet, again))
    finally:
        place.leave(lease)
        holders.leave(lease)
    if (work_is_due(now=clock()) or suspects_wait(now=clock())) and not stopping():
        again()  # it came while the place was given up
    return True


@dataclass(slots=True)
class Drive:
    """One run of a pump."""

    lease: uuid.UUID
    clock: Clock
    random: Callable[[], float]
    stopping: Callable[[], bool]
    stay: float
    run: float
    hands: Hands = field(init=False)
    strides: Strides = field(init=False)
    reading: Reading = field(default_factory=Reading)
    paused: dict[str, datetime] = field(default_factory=dict)  # by scope, as this run heard it
    lanes: set[asyncio.Task[None]] = field(default_factory=set)
    calls: int = 0  # that the lanes in hand may have in flight
    lead: timedelta = LEAD_LEAST
    led_at: datetime = LONG_AGO
    claims_from: float = 0.0  # by the loop's time
    helped: float = 0.0  # when another pump was last called for, by the loop's time
    windows: datetime = LONG_AGO  # when declared maintenance was last looked at
    looked: tuple[datetime, float] | None = None  # the clock and the loop's time, at the last look for work
    alone: bool = False  # suspects wait, or are being sent: nothing else is taken in
    fruitful: bool = False  # the last claim found something: the next need not ask first
    suspected: float = float("-inf")  # when suspects were last looked for

    def __post_init__(self) -> None:
        self.hands = Hands(self.lease, self.clock, self.random)
        self.strides = Strides.at_first(now=self.clock())

    async def run_through(self, outlet: Outlet, again: Callable[[], object]) -> None:
        async with outlet() as send:
            keeper = asyncio.create_task(self.hands.keep())
            settler = asyncio.create_task(self.hands.settle_as_they_come())
            try:
                await self.take_in(send, again)
                with contextlib.suppress(Error):
                    await in_database(place.leave, self.lease)
                    if self.lanes:
                        await in_database(again)
                await asyncio.gather(*self.lanes)
            finally:
                keeper.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await keeper
                self.hands.leaving = True  # the settler is not cancelled: what it holds in its hands would be lost
                self.hands.rang.set()
                await settler
                await self.hands.settle_the_rest()

    async def take_in(self, send: Send, again: Callable[[], object]) -> None:
        """Claim until it is time to leave: stopped, run out, or nothing to do for a while."""
        loop = asyncio.get_running_loop()
        began = worked = loop.time()
        while not self.stopping() and loop.time() < began + self.run:
            able = await self.able()
            loads = await self.claim() if able else []
            for load in loads:
                self.hands.take(load)
                self.begin(load, send)
            if self.hands.claimed:
                worked = loop.time()
            elif loop.time() >= worked + self.stay:
                return
            if not able or much(loads):
                await self.call_for_help(again)
            if not loads:
                await asyncio.sleep(LOOK_EVERY)

    async def able(self) -> bool:
        """Whether more in hand would be of use: there are sockets for it, and the loop comes round soon enough."""
        loop = asyncio.get_running_loop()
        turn = loop.time()
        await asyncio.sleep(0)
        return self.calls < SOCKETS and loop.time() >= self.claims_from and loop.time() - turn < BUSY

    async def call_for_help(self, again: Callable[[], object]) -> None:
        """There is so much that another pump may start, where a place is free."""
        if (now := asyncio.get_running_loop().time()) > self.helped + HELP_EVERY:
            self.helped = now
            with contextlib.suppress(Error):
                if await in_database(self.place_is_free):
                    await in_database(again)

    def place_is_free(self) -> bool:
        return place.is_free(places=settings.HUB_PUMPS, total=settings.HUB_PUMPS_TOTAL, now=self.clock())

    async def claim(self) -> list[Load]:
        try:
            if (by := self.leapt()) > LEAP:
                await in_database(lambda: leap(by, now=self.clock()))
            if await self.may_claim():
                loads, unsent = await in_database(self.claim_and_build)
                self.fruitful = bool(loads)
                self.hands.counts += counts_of(unsent, now=self.clock())  # here: the keeper takes them away
                return loads
        except Error:  # away: what is on its way goes on, and we look again
            await asyncio.sleep(AWAY)
            self.claims_from = asyncio.get_running_loop().time() + AFTER_AWAY
        return []

    async def may_claim(self) -> bool:
        """Something is due; where suspects are, nothing else is in hand."""
        if await self.suspects():
            return not self.lanes and self.hands.empty
        return self.fruitful or await in_database(lambda: work_is_due(now=self.clock()))

    async def suspects(self) -> bool:
        """Whether what may have killed pumps waits, or is on its way: then innocents are not sent beside it."""
        if self.alone and (self.lanes or not self.hands.empty):
            return True
        now = asyncio.get_running_loop().time()
        if self.alone or now >= self.suspected + SUSPECT_EVERY:
            self.suspected = now
            self.alone = await in_database(lambda: suspects_wait(now=self.clock()))
        return self.alone

    def leapt(self) -> timedelta:
        """How much further the clock went than time did, since the last look."""
        now, ticks = self.clock(), asyncio.get_running_loop().time()
        before, self.looked = self.looked, (now, ticks)
        return now - before[0] - timedelta(seconds=ticks - before[1]) if before else timedelta(0)

    def claim_and_build(self) -> tuple[list[Load], list[Unsent]]:
        """Loads that go, and what waits for quotas. Where all of it waits more is claimed: something behind may go."""
        unsent: list[Unsent] = []
        for _ in range(PARKED_CLAIMS):
            loads, waits = self.claim_once()
            unsent += waits
            if loads or not waits:
                break
        return loads, unsent

    def claim_once(self) -> tuple[list[Load], list[Unsent]]:
        now = self.clock()
        self.reading.renew(now=now)
        if abs(now - self.windows) >= WINDOWS_EVERY:
            self.windows = now
            maintenance.begin(now=now)
        if self.alone:
            slices = claim_suspects(self.lease, self.reading, now=now)
            self.alone = bool(slices)  # none: another pump holds their lanes
        else:
            slices = claim(self.lease, self.reading, self.strides, now=now)
        self.reading.learn(connectors={slice.connection.connector_key for slice in slices})
        loads = build(slices, self.reading, now=now)
        hold(self.lease, [held for load in loads for held in load.held], now=now)
        unsent = book(self.lease, loads, now=self.clock(), lead=self.led(now=now))
        loads = park(self.lease, loads, unsent, self.strides, now=now, random=self.random)
        failpoint("O2")  # the attempt is noted, nothing has gone
        return loads, unsent

    def led(self, *, now: datetime) -> timedelta:
        """How far ahead paced calls are booked. What a rush needed is soon forgotten, however few claims come after."""
        passed, self.led_at = max(timedelta(), now - self.led_at), now
        self.lead = max(LEAD_LEAST, self.lead * 0.5 ** (passed / LEAD_HALVES))
        return self.lead

    def begin(self, load: Load, send: Send) -> None:
        task = asyncio.create_task(self.serve(load, send))
        self.lanes.add(task)
        task.add_done_callback(self.lanes.discard)

    async def serve(self, load: Load, send: Send) -> None:
        """All of one lane's slice, at most `in_flight` calls at a time; then the lane is given back."""
        began = asyncio.get_running_loop().time()
        departures = iter(sorted(load.departures, key=itemgetter(0)))
        side_by_side = min(load.lane.in_flight, len(load.departures))
        self.calls += side_by_side
        await asyncio.gather(*(self.depart_all(load, departures, began + SLICE, send) for _ in range(side_by_side)))
        self.calls -= side_by_side
        took = asyncio.get_running_loop().time() - began
        self.strides.learn(load.lane.pk, seconds=took, sent=not load.cut)
        self.hands.lay_down(load)

    async def depart_all(self, load: Load, departures: Departures, ends: float, send: Send) -> None:
        """One of those that take from the same departures: as many calls are in flight as there are of these."""
        for moment, carriage in departures:
            if (wait := (moment - self.clock()).total_seconds()) > 0:
                await asyncio.sleep(wait)
            async with carriage.gate:
                now = self.clock()
                if self.paused and (until := self.pause_of(carriage)) > now:
                    closed = [key for key in carriage.keys if self.paused.get(key, LONG_AGO) > now]
                    self.hands.put(Unsent(load, carriage, due_at=until, reason="throttled", closed=closed))
                elif self.missed(load, carriage, moment, now=now) or self.goes_back(load, carriage, ends, now=now):
                    self.hands.put(Unsent(load, carriage))
                else:
                    journey = await attempt(load, carriage, send=send, clock=self.clock)
                    failpoint("O5")  # the answer was read, and is not settled
                    self.hands.put(self.noted(journey))

    def missed(self, load: Load, carriage: Carriage, moment: datetime, *, now: datetime) -> bool:
        """Whether it would come among others' calls. A pump that is late books as much further ahead as it is late."""
        late = now - moment
        if not carriage.paced or late <= LATE:
            return False
        self.lead = min(LEAD_MOST, max(self.lead, load.lead + late))
        return late > MISSED

    def goes_back(self, load: Load, carriage: Carriage, ends: float, *, now: datetime) -> bool:
        over = asyncio.get_running_loop().time() > ends
        load.cut = load.cut or over
        return over or load.turned or carriage.late(now) or self.stopping() or not self.hands.holds(load)

    def pause_of(self, carriage: Carriage) -> datetime:
        return max((self.paused.get(spent.key, LONG_AGO) for spent in carriage.spent), default=LONG_AGO)

    def noted(self, journey: Journey) -> Journey:
        """What one answer says of its neighbours is true at once, before it is written down."""
        for outcome in journey.outcomes:
            if outcome.pauses:
                self.note_pause(paused_keys(journey.load, outcome), rest_until(outcome, now=self.clock()))
            journey.load.turned = journey.load.turned or outcome.kind in TURNS
        return journey

    def note_pause(self, keys: Sequence[str], until: datetime) -> None:
        """Of two pauses of one scope the one that ends later counts."""
        for key in keys:
            self.paused[key] = max(until, self.paused.get(key, LONG_AGO))


def much(loads: Sequence[Load]) -> bool:
    """A claim that took nearly what it may: more waits."""
    return len(loads) >= MANY or sum(len(load.departures) for load in loads) >= MUCH
