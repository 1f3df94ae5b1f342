"""What a pump has in its hands: answers until they are settled, lanes until they are given back, leases meanwhile."""

import asyncio
import contextlib
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import Error

from hub import tally
from hub.clock import Clock
from hub.connections import maintenance
from hub.outgoing.pump import place
from hub.outgoing.pump.claim import extend
from hub.outgoing.pump.line import in_database
from hub.outgoing.pump.parcels import Load, Result
from hub.outgoing.pump.settle import settle
from hub.throttle import holders

SETTLE_EVERY, EXTEND_EVERY = 0.05, 4.0  # seconds
SETTLE_MOST = 250
AWAY, LAST_TRIES = 0.5, 20  # seconds between looks at a database that is away, and how often for what was answered
LEASE_SURE = 10.0  # seconds of a lease in which nobody else can have the lane


@dataclass(slots=True)
class Hands:
    lease: uuid.UUID
    clock: Clock
    random: Callable[[], float]
    results: list[Result] = field(default_factory=list)
    emptied: set[int] = field(default_factory=set)
    freed: Counter[str] = field(default_factory=Counter)  # room for calls in flight, to be given back
    claimed: set[int] = field(default_factory=set)  # lanes that are not given back yet
    kept: float = 0.0  # when the leases were last extended, by the loop's time
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)  # not yet written to the tally
    rang: asyncio.Event = field(default_factory=asyncio.Event)
    leaving: bool = False

    @property
    def empty(self) -> bool:
        return not (self.results or self.emptied)

    def take(self, load: Load) -> None:
        load.leased = asyncio.get_running_loop().time()
        self.claimed.add(load.lane.pk)

    def holds(self, load: Load) -> bool:
        """Nobody else can have taken the lane, as somebody may whose lease could not be extended."""
        return asyncio.get_running_loop().time() <= max(load.leased, self.kept) + LEASE_SURE

    def put(self, result: Result) -> None:
        self.results.append(result)
        if berth := result.carriage.berth:
            berth.calls -= 1
            if not berth.calls:
                self.freed += Counter(dict.fromkeys(berth.keys, berth.room))
        if len(self.results) >= SETTLE_MOST:
            self.rang.set()

    def lay_down(self, load: Load) -> None:
        """The lane's slice is served."""
        self.emptied.add(load.lane.pk)
        self.rang.set()

    # --- settling ----------------------------------------------------------------------------------------------------

    async def settle_as_they_come(self) -> None:
        while not self.leaving:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.rang.wait(), SETTLE_EVERY)
            self.rang.clear()
            with contextlib.suppress(Error):
                await self.settle_now()

    async def settle_now(self) -> None:
        results, self.results = self.results, []
        emptied, self.emptied = self.emptied, set()
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

    # --- keeping -----------------------------------------------------------------------------------------------------

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
