"""Schedules of retries, bans and deletions can run faster than the clock; signatures never do."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from sandbox.clock import Clock
from sandbox.storage.journal import JournaledDict

MOST = 1_000_000.0


class Pace:
    """The schedule time of each system: seconds that pass `factor` times as fast as the clock's.

    It survives a restart, and never goes back.
    """

    def __init__(self, state: Path, clock: Clock):
        self._clock = clock
        self._rows = JournaledDict(state / "pace.jsonl")
        self._changed = asyncio.Event()

    def factor(self, system: str) -> float:
        return float(self._rows.get(system, {}).get("factor", 1.0))

    def now(self, system: str) -> float:
        """Return the schedule time of this system, in seconds; by default the clock's."""
        row = self._rows.get(system)
        if row is None:
            return self._clock()
        return float(row["schedule"] + (self._clock() - row["at"]) * row["factor"])

    def change(self, system: str, factor: float) -> None:
        """Let the schedules run at this speed from now on. Raises ValueError with a sentence."""
        if not 0 < factor <= MOST:
            raise ValueError(f"factor is a number above 0, at most {MOST:,.0f}")
        row = {"factor": factor, "schedule": self.now(system), "at": self._clock()}
        self._rows[system] = row
        self._changed.set()
        self._changed = asyncio.Event()

    async def wait(self, system: str, seconds: float) -> None:
        """Sleep that many seconds of the schedule; a change of the pace takes effect at once."""
        time: Callable[[], float] = asyncio.get_running_loop().time
        while seconds > 0:
            started, factor = time(), self.factor(system)
            try:
                await asyncio.wait_for(self._changed.wait(), seconds / factor)
            except TimeoutError:
                return
            seconds -= (time() - started) * factor

    def factors(self) -> dict[str, float]:
        return {system: self.factor(system) for system in self._rows}

    def close(self) -> None:
        self._rows.close()
