"""Webhooks of eight kinds of sources, as they would arrive. Nothing of the product is known here.

Arrivals have no memory: what an hour brings is drawn at the true rate of that hour.
"""

import math
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Europe/Berlin")
START = datetime(2026, 3, 2, tzinfo=ZONE).astimezone(UTC)  # a Monday; summer time begins in week 4
HOURS_A_WEEK = 168
BUSY_HOURS, EDGE_HOURS = range(8, 18), (7, 18, 19)
BURST_HOURS = 20  # between two bursts, on average


@dataclass(frozen=True, slots=True)
class Traffic:
    """Times are hours since START; `rates`: those of each hour, without bursts."""

    rates: list[float]
    times: list[float]

    def count_expected(self, start: float, end: float) -> float:
        """Return the events that the true rate brings between two times."""
        total, at = 0.0, start
        while at < end:
            hour_end = min(math.floor(at) + 1.0, end)
            total += self.rates[math.floor(at)] * (hour_end - at)
            at = hour_end
        return total

    def find_last(self, before: float) -> float | None:
        place = bisect_left(self.times, before)
        return self.times[place - 1] if place else None

    def find_between(self, start: float, end: float) -> list[float]:
        return self.times[bisect_left(self.times, start) : bisect_left(self.times, end)]


def build_traffic(shape: str, random: Random, *, weeks: int) -> Traffic:
    rate_of = SHAPES[shape](random)
    hours = [(START + timedelta(hours=number)).astimezone(ZONE) for number in range(weeks * 168)]
    rates = [rate_of(number, local) for number, local in enumerate(hours)]
    times = [
        number + random.random()
        for number, rate in enumerate(rates)
        for _ in range(draw_count(random, rate))
    ]
    if shape == "bursts":
        times += draw_bursts(random, len(rates))
    return Traffic(rates, sorted(times))


def draw_count(random: Random, mean: float) -> int:
    """Return how many arrivals without memory an hour has (Poisson)."""
    count, at = 0, random.expovariate(1.0)
    while at < mean:
        count, at = count + 1, at + random.expovariate(1.0)
    return count


def draw_bursts(random: Random, hours: int) -> list[float]:
    """Return imports and bulk edits: 20 to 200 events within ten minutes."""
    times: list[float] = []
    for number in range(hours):
        if random.random() < 1 / BURST_HOURS:
            begin = number + random.random()
            times += [begin + random.random() / 6 for _ in range(random.randrange(20, 200))]
    return [time for time in times if time < hours]


# --- the shapes: the true rate of an hour, by its number and its local time -----------------------

Rate = Callable[[int, datetime], float]


def draw_base(random: Random) -> float:
    """Return events an hour, from one to twenty."""
    return math.exp(random.uniform(0.0, math.log(20)))


def build_steady(random: Random) -> Rate:
    base = draw_base(random)
    return lambda number, local: base


def build_office(random: Random) -> Rate:
    base = draw_base(random)

    def rate(number: int, local: datetime) -> float:
        of_hour = 0.3 if local.hour in EDGE_HOURS else 0.03
        if local.hour in BUSY_HOURS:
            of_hour = 1.0
        return base * of_hour * (1.0 if local.weekday() < 5 else 0.05)

    return rate


def build_growth(random: Random) -> Rate:
    office = build_office(random)
    return lambda number, local: 0.5 * office(number, local) * 1.15 ** (number / HOURS_A_WEEK)


def build_holidays(random: Random) -> Rate:
    office = build_office(random)
    holidays = {day for day in range(7 * 60) if random.random() < 0.06}
    first = START.astimezone(ZONE).date()

    def rate(number: int, local: datetime) -> float:
        is_holiday = local.weekday() < 5 and (local.date() - first).days in holidays
        return office(number, local) * (0.05 if is_holiday else 1.0)

    return rate


def build_rare(random: Random) -> Rate:
    return lambda number, local: 2.5 / HOURS_A_WEEK


def build_monthly(random: Random) -> Rate:
    return lambda number, local: 20.0 if local.day == 1 and local.hour in BUSY_HOURS else 0.0


def build_dying(random: Random) -> Rate:
    """Lose half of the events each week from the sixth one on."""
    base = draw_base(random)
    return lambda number, local: base * 0.5 ** max(0.0, number / HOURS_A_WEEK - 5)


SHAPES: dict[str, Callable[[Random], Rate]] = {
    "steady": build_steady,
    "office": build_office,
    "growth": build_growth,
    "bursts": build_steady,
    "holidays": build_holidays,
    "rare": build_rare,
    "monthly": build_monthly,
    "dying": build_dying,
}
