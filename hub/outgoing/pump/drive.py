"""The loop: claim lanes, send what they hold side by side, settle answers as they come, stay while there is work."""

import asyncio
import contextlib
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from operator import itemgetter

from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings
from django.db import Error, InterfaceError, OperationalError
from django.db import connection as database

from hub import tally
from hub.clock import Clock
from hub.connections import maintenance
from hub.failpoints import failpoint
from hub.outgoing.pump import place
from hub.outgoing.pump.attempt import Send, attempt
from hub.outgoing.pump.book import book
from hub.outgoing.pump.build import build
from hub.outgoing.pump.claim import claim, claim_suspects, extend, suspects_wait, work_is_due
from hub.outgoing.pump.parcels import Carriage, Journey, Load, Result, Unsent
from hub.outgoing.pump.settle import hold, settle
from hub.outgoing.pump.tell import TURNS, paused_keys, rest_until
from hub.throttle import holders
from hub.throttle.answers import leap
from hub.throttle.pace import MARGIN

LANES_AT_ONCE = 16  # claimed in one transaction, which nothing that is answered meanwhile may wait for long
LANES_MOST = 512  # held by one pump
SLICE = 2.0  # seconds after which no further call of a slice begins, so that nobody waits behind a backlog
LOOK_EVERY, SETTLE_EVERY, EXTEND_EVERY, SUSPECT_EVERY = 0.02, 0.05, 4.0, 0.5  # seconds
HELP_EVERY = 1.0  # seconds between calls for another pump
SETTLE_MOST = 100
MISSED = timedelta(seconds=MARGIN)  # after its moment a call that is paced is booked again
LEAP = timedelta(seconds=5)  # a clock that goes so far ahead at once was set, or stood still
LEASE_SURE = 10.0  # seconds of a lease in which nobody else can have the lane
AWAY, LAST_TRIES = 0.5, 20  # seconds between looks at a database that is away, and how often for what was answered
AFTER_AWAY = 2.0  # seconds without a claim when it is back: first each pump keeps its leases, and settles
LONG_AGO = datetime.min.replace(tzinfo=UTC)
STAY, RUN = 30.0, 35.0  # seconds: without work it leaves after the one, with work it rings a successor after the other


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
) -> None:
    """Run one pump on one of the places, if there is a free one; ends by itself well within a minute."""
    lease = uuid.uuid4()
    if not place.take(lease, places=settings.HUB_PUMPS, now=clock()):
        return
    drive = Drive(lease, clock, random, stopping, stay, run)
    try:
        async_to_sync(drive.run_through)(outlet, again)
    finally:
        place.leave(lease)
        holders.leave(lease)
    if (work_is_due(now=clock()) or suspects_wait(now=clock())) and not stopping():
        again()  # it came while the place was given up


@dataclass(slots=True)
class Drive:
    """One run of a pump."""

    lease: uuid.UUID
    clock: Clock
    random: Callable[[], float]
    stopping: Callable[[], bool]
    stay: float
    run: float
    results: list[Result] = field(default_factory=list)
    emptied: dict[int, datetime | None] = field(default_factory=dict)
    paused: dict[str, datetime] = field(default_factory=dict)  # by scope, as this run heard it
    freed: Counter[str] = field(default_factory=Counter)  # room for calls in flight, to be given back
    lanes: set[asyncio.Task[None]] = field(default_factory=set)
    claimed: set[int] = field(default_factory=set)  # lanes that are not given back yet
    claims_from: float = 0.0  # by the loop's time
    helped: float = 0.0  # when another pump was last called for, by the loop's time
    looked: tuple[datetime, float] | None = None  # the clock and the loop's time, at the last look for work
    kept: float = 0.0  # when the leases were last extended, by the loop's time
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)  # not yet written to the tally
    rang: asyncio.Event = field(default_factory=asyncio.Event)
    leaving: bool = False
    alone: bool = False  # suspects wait, or are being sent: nothing else is taken in
    suspected: float = float("-inf")  # when suspects were last looked for

    async def run_through(self, outlet: Outlet, again: Callable[[], object]) -> None:
        async with outlet() as send:
            keeper = asyncio.create_task(self.keep())
            settler = asyncio.create_task(self.settle_as_they_come())
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
                self.leaving = True  # the settler is not cancelled: what it holds in its hands would be lost
                self.rang.set()
                await settler
                await self.settle_the_rest()

    async def take_in(self, send: Send, again: Callable[[], object]) -> None:
        """Claim until it is time to leave: stopped, run out, or nothing to do for a while."""
        loop = asyncio.get_running_loop()
        began = worked = loop.time()
        while not self.stopping() and loop.time() < began + self.run:
            able = len(self.lanes) < LANES_MOST and loop.time() >= self.claims_from
            loads = await self.claim() if able else []
            for load in loads:
                load.leased = loop.time()
                self.claimed.add(load.lane.pk)
                self.begin(load, send)
            if loads or self.lanes:
                worked = loop.time()
            elif loop.time() >= worked + self.stay:
                return
            if len(loads) < LANES_AT_ONCE:
                await asyncio.sleep(LOOK_EVERY)
            else:
                await self.call_for_help(again)

    async def call_for_help(self, again: Callable[[], object]) -> None:
        """More is due than one claims: another pump may start, where a place is free."""
        if (now := asyncio.get_running_loop().time()) > self.helped + HELP_EVERY:
            self.helped = now
            with contextlib.suppress(Error):
                if await in_database(lambda: place.is_free(places=settings.HUB_PUMPS, now=self.clock())):
                    await in_database(again)

    async def claim(self) -> list[Load]:
        try:
            if (by := self.leapt()) > LEAP:
                await in_database(lambda: leap(by, now=self.clock()))
            if await self.may_claim():
                loads, unsent = await in_database(self.claim_and_build)
                self.results.extend(unsent)  # here and not on the other thread: the settler takes the list away
                return loads
        except Error:  # away: what is on its way goes on, and we look again
            await asyncio.sleep(AWAY)
            self.claims_from = asyncio.get_running_loop().time() + AFTER_AWAY
        return []

    async def may_claim(self) -> bool:
        """Something is due; where suspects are, nothing else is in hand."""
        if await self.suspects():
            return not (self.lanes or self.results or self.emptied)
        return bool(await in_database(lambda: work_is_due(now=self.clock())))

    async def suspects(self) -> bool:
        """Whether what may have killed pumps waits, or is on its way: then innocents are not sent beside it."""
        if self.alone and (self.lanes or self.results or self.emptied):
            return True
        now = asyncio.get_running_loop().time()
        if self.alone or now >= self.suspected + SUSPECT_EVERY:
            self.suspected = now
            self.alone = bool(await in_database(lambda: suspects_wait(now=self.clock())))
        return self.alone

    def leapt(self) -> timedelta:
        """How much further the clock went than time did, since the last look."""
        now, ticks = self.clock(), asyncio.get_running_loop().time()
        before, self.looked = self.looked, (now, ticks)
        return now - before[0] - timedelta(seconds=ticks - before[1]) if before else timedelta(0)

    def claim_and_build(self) -> tuple[list[Load], list[Unsent]]:
        now = self.clock()
        maintenance.begin(now=now)
        if self.alone:
            slices = claim_suspects(self.lease, now=now)
            self.alone = bool(slices)  # none: another pump holds their lanes
        else:
            slices = claim(self.lease, now=now, lanes=LANES_AT_ONCE)
        loads = build(slices, now=now)
        hold(self.lease, [held for load in loads for held in load.held], now=now)
        unsent = book(self.lease, loads, now=self.clock())
        failpoint("O2")  # the attempt is noted, nothing has gone
        return loads, unsent

    def begin(self, load: Load, send: Send) -> None:
        task = asyncio.create_task(self.serve(load, send))
        self.lanes.add(task)
        task.add_done_callback(self.lanes.discard)

    async def serve(self, load: Load, send: Send) -> None:
        """All of one lane's slice, at most `in_flight` calls at a time; then the lane is given back."""
        ends = asyncio.get_running_loop().time() + SLICE
        departures = iter(sorted(load.departures, key=itemgetter(0)))
        side_by_side = min(load.lane.in_flight, len(load.departures))
        await asyncio.gather(*(self.depart_all(load, departures, ends, send) for _ in range(side_by_side)))
        self.emptied[load.lane.pk] = load.rests_until
        self.rang.set()

    async def depart_all(self, load: Load, departures: Departures, ends: float, send: Send) -> None:
        """One of those that take from the same departures: as many calls are in flight as there are of these."""
        for turn, (moment, carriage) in enumerate(departures):
            if (wait := (moment - self.clock()).total_seconds()) > 0:
                await asyncio.sleep(wait)
            booked = moment if turn else self.clock()  # the first goes, however late the loop is
            async with carriage.gate:
                now = self.clock()
                missed = carriage.paced and now > booked + MISSED  # it would come among others' calls
                if self.paused and (until := self.pause_of(carriage)) > now:
                    self.put(Unsent(load, carriage, due_at=until, reason="throttled"))
                elif missed or self.goes_back(load, carriage, ends, now=now):
                    self.put(Unsent(load, carriage))
                else:
                    journey = await attempt(load, carriage, send=send, clock=self.clock)
                    failpoint("O5")  # the answer was read, and is not settled
                    self.put(self.noted(journey))

    def goes_back(self, load: Load, carriage: Carriage, ends: float, *, now: datetime) -> bool:
        return load.turned or carriage.late(now) or self.stopping() or self.too_late(load, ends)

    def too_late(self, load: Load, ends: float) -> bool:
        """The slice is over, or somebody else may have taken the lane because our lease could not be extended."""
        now = asyncio.get_running_loop().time()
        return now > ends or now > max(load.leased, self.kept) + LEASE_SURE

    def pause_of(self, carriage: Carriage) -> datetime:
        return max((self.paused.get(spent.key, LONG_AGO) for spent in carriage.spent), default=LONG_AGO)

    def noted(self, journey: Journey) -> Journey:
        """What one answer says of its neighbours is true at once, before it is written down."""
        for outcome in journey.outcomes:
            self.paused |= dict.fromkeys(paused_keys(journey.load, outcome), rest_until(outcome, now=self.clock()))
            journey.load.turned = journey.load.turned or outcome.kind in TURNS
        return journey

    def put(self, result: Result) -> None:
        self.results.append(result)
        if berth := result.carriage.berth:
            berth.calls -= 1
            if not berth.calls:
                self.freed += Counter(dict.fromkeys(berth.keys, berth.room))
        if len(self.results) >= SETTLE_MOST:
            self.rang.set()

    async def settle_as_they_come(self) -> None:
        while not self.leaving:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.rang.wait(), SETTLE_EVERY)
            self.rang.clear()
            with contextlib.suppress(Error):
                await self.settle_now()

    async def settle_now(self) -> None:
        results, self.results = self.results, []
        emptied, self.emptied = self.emptied, {}
        if not results and not emptied:
            return
        try:
            await self.give_back()  # first: whoever claims a lane that is given back finds the room
            settled = await in_database(
                lambda: settle(self.lease, results, emptied, now=self.clock(), random=self.random)
            )
        except Error:  # the database is away: keep what was answered, and try again
            self.results, self.emptied = results + self.results, emptied | self.emptied
            raise
        self.claimed.difference_update(emptied)
        self.counts += settled

    async def give_back(self) -> None:
        freed, self.freed = self.freed, Counter()
        try:
            if freed:
                await in_database(holders.give_back, self.lease, freed)
        except Error:
            self.freed += freed
            raise

    async def settle_the_rest(self) -> None:
        for _ in range(LAST_TRIES):
            try:
                await self.settle_now()
                return await self.tell_the_tally()
            except Error:
                await asyncio.sleep(AWAY)
        return None  # it is told as unknown when the leases end

    async def keep(self) -> None:
        """The leases of the place and of the lanes live as long as this does."""
        pause = EXTEND_EVERY
        while True:
            await asyncio.sleep(pause)
            before, pause = asyncio.get_running_loop().time(), AWAY
            with contextlib.suppress(Error):
                await in_database(self.extend)
                self.kept, pause = before, EXTEND_EVERY
                await self.tell_the_tally()

    def extend(self) -> None:
        extend(self.lease, tuple(self.claimed), now=self.clock())
        place.keep(self.lease, now=self.clock())
        holders.keep(self.lease, until=self.clock() + holders.LEASE)
        maintenance.keep(now=self.clock())

    async def tell_the_tally(self) -> None:
        """Not with each settling: two pumps would wait for each other's commit. A kill loses these few seconds."""
        counts, self.counts = self.counts, Counter()  # on the loop's thread, as they are counted there
        try:
            await in_database(tally.add, counts)
        except Error:
            self.counts += counts
            raise


async def in_database(verb: Callable[..., object], *args: object):
    """On the one thread that may use the database. A connection that broke is closed, so that the next is new."""
    try:
        return await sync_to_async(verb, thread_sensitive=True)(*args)
    except (OperationalError, InterfaceError):
        await sync_to_async(hang_up, thread_sensitive=True)()
        raise


def hang_up() -> None:
    """Called there: `database` is another connection on each thread, the loop's own among them."""
    database.close()
