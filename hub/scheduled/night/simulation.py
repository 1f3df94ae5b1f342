"""Predict when the runs of a night end, considering quotas. Pure.

The simulation proceeds by minutes. A run spends its units evenly over its length; if runs together
want more of a quota in a minute than it allows, all of them are slowed by the same factor.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hub.scheduled.night.night_run import NightRun

MINUTE = timedelta(minutes=1)
ROUNDING_REMAINDER = 1e-9  # of a run: what is left by rounding
MAX_MINUTES = 48 * 60
UNLIMITED_SLOTS = 1_000_000
RUN_SLOTS = "slots"  # what delayed a run, if that was no quota


@dataclass(slots=True)
class Allowance:
    """What background work may spend of a quota; None: not limited in this way."""

    per_minute: float | None = None
    units_left: float | None = None  # of a budget, for the whole night


@dataclass(frozen=True, slots=True)
class PredictedNight:
    """Units by quota and minute from `starts_at` on, and the runs with their predicted ends."""

    starts_at: datetime
    units_by_quota_and_minute: Mapping[str, Sequence[float]]
    runs: Sequence[NightRun]


@dataclass(slots=True)
class Progress:
    """A run in the simulation. `remaining`: the part that is not done, from 1 to 0."""

    run: NightRun
    remaining_share: float = 1.0
    ends_at: datetime | None = None
    delays_by_quota: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def wanted_share(self, minute: datetime) -> float:
        """Return the part of the run that it would do in this minute without delays."""
        active = min(MINUTE, max(timedelta(0), minute + MINUTE - self.run.starts_at))
        return min(self.remaining_share, active.total_seconds() / max(self.run.seconds, 1.0))

    def wanted_slots(self, minute: datetime) -> float:
        """Return the part of this minute for which it would occupy a slot."""
        if not self.run.takes_slot:
            return 0.0
        return self.wanted_share(minute) * max(self.run.seconds, 1.0) / MINUTE.total_seconds()

    def advance(self, minute: datetime, demand: float, done: float, quota_key: str) -> None:
        """Record the part done in a minute; `quota_key` is the quota that limited it."""
        self.remaining_share -= done
        if quota_key:
            self.delays_by_quota[quota_key] += demand - done
        if self.remaining_share <= ROUNDING_REMAINDER:
            seconds = done * max(self.run.seconds, 1.0)
            started_at = max(minute, self.run.starts_at)
            self.ends_at = minute + MINUTE if quota_key else started_at + timedelta(seconds=seconds)

    def predict(self) -> NightRun:
        delays = {key: delay for key, delay in self.delays_by_quota.items() if delay > 0}
        slowed_by = max(delays, key=lambda key: delays[key], default="")
        return self.run.predicted(self.ends_at, slowed_by)


@dataclass(slots=True)
class Simulation:
    """A simulation of a night, minute by minute."""

    allowances: Mapping[str, Allowance]
    starts_at: datetime
    place_count: int
    units_by_minute: dict[str, list[float]] = field(default_factory=dict)
    minute_count: int = 0

    def start_runs(self, active: list[Progress], waiting: list[Progress]) -> None:
        """Move the runs that start in this minute, the last ones in `waiting`, to `active`.

        A slot can serve several runs in a minute, one after the other.
        """
        minute = self.starts_at + MINUTE * self.minute_count
        occupied = sum(progress.wanted_slots(minute) for progress in active)
        due: list[Progress] = []
        while waiting and waiting[-1].run.starts_at < minute + MINUTE:
            due.append(waiting.pop())
        delayed: list[Progress] = []
        for progress in due:
            wanted = progress.wanted_slots(minute)
            if wanted and occupied >= self.place_count:
                progress.delays_by_quota[RUN_SLOTS] += progress.wanted_share(minute)
                delayed.append(progress)
            else:
                occupied += wanted
                active.append(progress)
        waiting += reversed(delayed)

    def run_minute(self, active: Sequence[Progress]) -> None:
        minute = self.starts_at + MINUTE * self.minute_count
        demands = [(progress, progress.wanted_share(minute)) for progress in active]
        factors = self.find_factors(demands)
        for progress, share in demands:
            limiting = min(
                progress.run.units_by_quota, key=lambda key: factors.get(key, 1.0), default=""
            )
            factor = factors.get(limiting, 1.0)
            done = share * factor
            self.spend(progress, done)
            progress.advance(minute, share, done, limiting if factor < 1 else "")
        self.minute_count += 1

    def find_factors(self, demands: Sequence[tuple[Progress, float]]) -> dict[str, float]:
        """Return for each quota the part of the wanted units that it allows in this minute."""
        units: dict[str, float] = defaultdict(float)
        for progress, share in demands:
            for key, count in progress.run.units_by_quota.items():
                units[key] += share * count
        factors = {}
        for key, count in units.items():
            allowance = self.allowances.get(key, Allowance())
            limits = [
                limit for limit in (allowance.per_minute, allowance.units_left) if limit is not None
            ]
            factors[key] = min([1.0, *(max(0.0, limit) / count for limit in limits if count)])
        return factors

    def spend(self, progress: Progress, done: float) -> None:
        for key, count in progress.run.units_by_quota.items():
            row = self.units_by_minute.setdefault(key, [])
            row.extend([0.0] * (self.minute_count + 1 - len(row)))
            row[self.minute_count] += done * count
            allowance = self.allowances.get(key)
            if allowance is not None and allowance.units_left is not None:
                allowance.units_left -= done * count


def simulate_night(
    runs: Sequence[NightRun],
    allowances: Mapping[str, Allowance],
    *,
    slots: int = UNLIMITED_SLOTS,
    now: datetime,
) -> PredictedNight:
    """Predict the night of these runs, in the order of their starts.

    Runs not finished after MAX_MINUTES do not end.

    At most `slots` runs are executed concurrently. The allowances are not changed.
    """
    if not runs:
        return PredictedNight(now, {}, [])
    copies = {key: Allowance(item.per_minute, item.units_left) for key, item in allowances.items()}
    first = min(run.starts_at for run in runs)
    simulation = Simulation(copies, first.replace(second=0, microsecond=0), slots)
    waiting = sorted((Progress(run) for run in runs), key=lambda progress: progress.run.starts_at)
    everything = list(waiting)
    active: list[Progress] = []
    waiting.reverse()
    while (waiting or active) and simulation.minute_count < MAX_MINUTES:
        simulation.start_runs(active, waiting)
        simulation.run_minute(active)
        active = [progress for progress in active if progress.ends_at is None]
    return PredictedNight(
        simulation.starts_at,
        simulation.units_by_minute,
        [progress.predict() for progress in everything],
    )
