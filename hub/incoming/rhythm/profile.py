"""Learn how often a source usually has events, by hour of the week, from its counts by hour.

docs/decisions/silence.md explains the steps; `manage.py bench silence` measures them.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from statistics import fmean, median
from zoneinfo import ZoneInfo

HOURS_A_WEEK = 168
WEEKS_LEAST, WEEKS_MOST = 2, 8
EVENTS_LEAST, ACTIVE_DAYS_LEAST = 20, 3  # in the median of the last four weeks
WEEKS_A_MONTH = 4.3
DAY_CLASSES = (range(5), range(5, 7))  # working days, weekends
OWN_EVENTS = 4.0  # so many events of an hour weigh as much as the same hour of its class of days
TRIMMED_EVENTS = (
    2.0  # an hour with fewer of them a week is averaged as it is: trimmed, it is too low
)
SHARE_LEAST = 0.05  # a day with a smaller share of the week says little about the week's level
GROWTH_LEAST, GROWTH_MOST = 0.85, 1.25

Week = Sequence[float]  # by local hour of the week; 0 is the midnight before Monday


@dataclass(frozen=True, slots=True)
class Rhythm:
    """The events that a source usually has in an hour, by local hour of the week.

    `worst`: the longest silence that it survived, in expected events. `is_weekly`: its weekends are
    much quieter than its working days.
    """

    rates: tuple[float, ...]
    per_month: float
    worst: float
    is_weekly: bool
    weeks: int

    @property
    def per_day(self) -> float:
        return sum(self.rates) / 7


def learn_rhythm(
    days: Mapping[date, Sequence[int]], zone: ZoneInfo, *, today: date
) -> Rhythm | None:
    """Return the rhythm of counts by UTC day and hour; None: too little history.

    Only full weeks before `today`, a date of the zone, count.
    """
    weeks = collect_weeks(days, zone, today=today)
    if not _has_enough_history(weeks):
        return None
    capped = _cut_bursts(weeks)
    shares = _find_shares(capped)
    level = _find_level(capped, shares)
    rates = tuple(level * share for share in shares)
    return Rhythm(
        rates=rates,
        per_month=WEEKS_A_MONTH * median(sum(week) for week in weeks[:4]),
        worst=_find_longest_silence(weeks, rates, today=today),
        is_weekly=sum(rates[120:]) / 2 < 0.5 * sum(rates[:120]) / 5,
        weeks=len(weeks),
    )


def collect_weeks(
    days: Mapping[date, Sequence[int]], zone: ZoneInfo, *, today: date
) -> list[list[int]]:
    """Return the counts of the full weeks before today, newest first, by local hour of the week."""
    if not days:
        return []
    full_days = (today - min(days)).days - 1  # the first one may have begun anywhere in it
    weeks = [[0] * HOURS_A_WEEK for _ in range(min(max(full_days, 0) // 7, WEEKS_MOST))]
    for day, counts in days.items():
        midnight = datetime.combine(day, time(), UTC)
        for hour, count in enumerate(counts):
            local = (midnight + timedelta(hours=hour)).astimezone(zone)
            number = ((today - local.date()).days - 1) // 7
            if count and 0 <= number < len(weeks):
                weeks[number][local.weekday() * 24 + local.hour] += count
    return weeks


def _has_enough_history(weeks: Sequence[Week]) -> bool:
    if len(weeks) < WEEKS_LEAST:
        return False
    newest = weeks[:4]
    active_days = [sum(1 for day in _days_of(week) if any(day)) for week in newest]
    return (
        median(sum(week) for week in newest) >= EVENTS_LEAST
        and median(active_days) >= ACTIVE_DAYS_LEAST
    )


def _days_of(week: Week) -> Iterator[Week]:
    return (week[start : start + 24] for start in range(0, HOURS_A_WEEK, 24))


def _usual_day(week: Week) -> float:
    """Return the events of its better days without the best: no burst, holiday or weekend."""
    totals = sorted(sum(day) for day in _days_of(week))
    return fmean(totals[3:6]) or fmean(totals)


def _cut_bursts(weeks: Sequence[Week]) -> list[list[float]]:
    """Cut each hour to what its neighbours on all days of its class and in all weeks allow.

    They are compared in units of each week's usual day, so that growth is no burst.
    """
    levels = [_usual_day(week) or 1.0 for week in weeks]
    usual = [0.0] * HOURS_A_WEEK
    for days in DAY_CLASSES:
        for hour in range(24):
            neighbours = [
                week[(day * 24 + hour + offset) % HOURS_A_WEEK] / level
                for week, level in zip(weeks, levels, strict=True)
                for day in days
                for offset in (-1, 0, 1)
            ]
            for day in days:
                usual[day * 24 + hour] = median(neighbours)
    return [
        [min(count, _cap(level * share)) for count, share in zip(week, usual, strict=True)]
        for week, level in zip(weeks, levels, strict=True)
    ]


def _cap(expected: float) -> float:
    return expected + 2.6 * math.sqrt(expected) + 2


def _find_shares(weeks: Sequence[Week]) -> list[float]:
    """Return the share that each hour usually has of a week; their sum is 1.

    A trimmed mean over the weeks; where an hour has few events, the same hour of the other days of
    its class decides.
    """
    by_week = [[count / (sum(week) or 1.0) for count in week] for week in weeks]
    own = [
        fmean(shares) if fmean(counts) < TRIMMED_EVENTS else _trimmed_mean(shares)
        for shares, counts in zip(zip(*by_week, strict=True), zip(*weeks, strict=True), strict=True)
    ]
    events = sum(weeks[0]) * len(weeks)
    blended = [0.0] * HOURS_A_WEEK
    for days in DAY_CLASSES:
        for hour in range(24):
            pool = fmean(own[day * 24 + hour] for day in days)
            for place in (day * 24 + hour for day in days):
                weight = own[place] * events / (own[place] * events + OWN_EVENTS)
                blended[place] = weight * own[place] + (1 - weight) * pool
    total = sum(blended)
    return [share / total for share in blended]


def _trimmed_mean(values: Sequence[float]) -> float:
    """Leave out the highest and the lowest; of six or more the two lowest, as of holidays."""
    if len(values) < 4:
        return fmean(values)
    return fmean(sorted(values)[1 if len(values) < 6 else 2 : -1])


def _find_level(weeks: Sequence[Week], shares: Week) -> float:
    """Return the events of a week by now: of the newest one, carried on by its growth."""
    newest, before = (_level_of_week(week, shares) for week in weeks[:2])
    growth = newest / before if before else 1.0
    return newest * min(max(growth, GROWTH_LEAST), GROWTH_MOST)


def _level_of_week(week: Week, shares: Week) -> float:
    """Return what its median day says about the week."""
    return median(
        sum(day) / sum(share)
        for day, share in zip(_days_of(week), _days_of(shares), strict=True)
        if sum(share) > SHARE_LEAST
    )


def _find_longest_silence(weeks: Sequence[Week], rates: Week, *, today: date) -> float:
    """Return the longest run of empty hours that ended, in expected events."""
    start = today.weekday() * 24
    longest = silence = 0.0
    for week in reversed(weeks):
        for place in (*range(start, HOURS_A_WEEK), *range(start)):
            if week[place]:
                longest, silence = max(longest, silence), 0.0
            else:
                silence += rates[place]
    return longest
