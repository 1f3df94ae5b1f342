"""Deaths of simulated sources: how many expected events pass until the product notices.

A death is *found* by evidence that a quiet source is asked for, or by its silence alone, whichever
is first. Arrivals without memory put a bound on silence alone (docs/decisions/silence.md), so its
delay is told, not judged; its false alarms are.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from random import Random
from statistics import median

from bench.figures import Bar, Figure
from bench.silence.evidence import draw_death
from bench.silence.traffic import START, ZONE, Traffic, build_traffic
from bench.sink.client import Sink
from bench.suite import Options
from hub.incoming.rhythm.fading import is_fading
from hub.incoming.rhythm.profile import Rhythm, learn_rhythm
from hub.incoming.rhythm.silence import quiet_after, silent_after

DATABASES = ("postgresql",)  # it needs none; measured once
JUDGED, UNJUDGED = ("steady", "office", "growth", "bursts", "holidays"), ("rare", "monthly")
SOURCES, SOURCES_QUICK, DEATHS = 36, 1, 7
LEARNED_WEEKS, LIVED_WEEKS, MONTHLY_WEEKS, DYING_WEEKS = 5, 4, 26, 8
LOOKS_PER_DAY = 48.0
GAPS = 3.0  # expected events within which a death is to be found
FOUND, FALSE, FALSE_WORST, TOO_LITTLE = Bar(">=", 0.95), Bar("<=", 0.1), Bar("<=", 1), Bar("==", 1)
MONTH_HOURS, WEEK_HOURS = 720.0, 168


@dataclass(slots=True)
class Result:
    """What one shape gave: gaps until its deaths were found, alarms while its sources lived."""

    found: list[float] = field(default_factory=list)
    alone: list[float] = field(default_factory=list)
    false_alarms: list[int] = field(default_factory=list)  # by source
    months: float = 0.0
    looks: int = 0


def measure(sink: Sink, options: Options) -> Iterator[Figure]:
    seed, sources = options.seed or 1, SOURCES_QUICK if options.quick else SOURCES
    worst = 0
    for shape in JUDGED:
        result = measure_shape(shape, Random(f"{shape}-{seed}"), sources)
        worst = max(worst, *result.false_alarms)
        yield from describe(shape, result)
    yield Figure("silence_false_worst", worst, "alarms of one source and month", bar=FALSE_WORST)
    for shape in UNJUDGED:
        share = measure_too_little_history(shape, Random(f"{shape}-{seed}"), sources)
        yield Figure(f"silence_too_little_history_{shape}", share, "share", bar=TOO_LITTLE)
    share = measure_fading(Random(f"dying-{seed}"), sources)
    yield Figure("silence_fading_dying", share, "share")


def describe(shape: str, result: Result) -> Iterator[Figure]:
    found = sum(gaps <= GAPS for gaps in result.found) / len(result.found)
    alarms = sum(result.false_alarms) / result.months
    days = result.months * 30
    yield Figure(f"silence_found_{shape}", found, "share within 3 gaps", bar=FOUND)
    yield Figure(f"silence_alone_{shape}", median(result.alone), "gaps, silence alone (median)")
    yield Figure(f"silence_false_{shape}", alarms, "alarms, silence alone / month", bar=FALSE)
    yield Figure(f"silence_looks_{shape}", result.looks / days, "looks / day")


def measure_shape(shape: str, random: Random, sources: int) -> Result:
    result = Result()
    for _ in range(sources):
        traffic = build_traffic(shape, random, weeks=LEARNED_WEEKS + LIVED_WEEKS)
        live(traffic, result)
        for _ in range(DEATHS):
            die(traffic, random, result)
    return result


def live(traffic: Traffic, result: Result) -> None:
    """Count what a living source causes: looks, and alarms by silence alone."""
    start, end = LEARNED_WEEKS * WEEK_HOURS, len(traffic.rates)
    rhythms = {
        week: require_rhythm(traffic, week * WEEK_HOURS)
        for week in range(LEARNED_WEEKS, LEARNED_WEEKS + LIVED_WEEKS)
    }
    times = traffic.find_between(start, end)
    alarms = 0
    for since, until in zip(times, [*times[1:], float(end)], strict=True):
        rhythm = rhythms[int(since) // WEEK_HOURS]
        result.looks += sum(1 for _ in find_looks(rhythm, since, until))
        alarms += silent_after(rhythm, to_time(since), zone=ZONE) < to_time(until)
    result.false_alarms.append(alarms)
    result.months += (end - start) / MONTH_HOURS


def die(traffic: Traffic, random: Random, result: Result) -> None:
    """Let the source die at a random time, and note when that is found."""
    start, end = LEARNED_WEEKS * WEEK_HOURS, float(len(traffic.rates))
    death = draw_death(random, start + 24, end - WEEK_HOURS)
    rhythm = require_rhythm(traffic, death.at)
    last = traffic.find_last(death.at) or float(start)
    alone = min(to_hours(silent_after(rhythm, to_time(last), zone=ZONE)), end)
    found = alone
    for asked_at in find_looks(rhythm, last, end):
        answered_at, says_dead = death.answer(asked_at, traffic, random)
        if asked_at >= death.at and says_dead:
            found = min(answered_at, alone)
            break
    result.found.append(traffic.count_expected(death.at, found))
    result.alone.append(traffic.count_expected(death.at, alone))


def find_looks(rhythm: Rhythm, since: float, until: float) -> Iterator[float]:
    """Yield when evidence is asked for; good evidence, and each wrong one, restarts the clock."""
    while True:
        look = quiet_after(rhythm, to_time(since), looks_per_day=LOOKS_PER_DAY, zone=ZONE)
        since = to_hours(look)
        if since >= until:
            return
        yield since


def measure_too_little_history(shape: str, random: Random, sources: int) -> float:
    """Return the share of weeks in which the product says that it knows too little."""
    weeks = MONTHLY_WEEKS
    traffics = [build_traffic(shape, random, weeks=weeks) for _ in range(sources)]
    answers = [
        learn(traffic, week * WEEK_HOURS) is None
        for traffic in traffics
        for week in range(1, weeks + 1)
    ]
    return sum(answers) / len(answers)


def measure_fading(random: Random, sources: int) -> float:
    """Return the share of slowly dying sources that are called fading two weeks after it began."""
    traffics = [build_traffic("dying", random, weeks=DYING_WEEKS) for _ in range(sources)]
    ends = [(traffic, to_time(len(traffic.rates))) for traffic in traffics]
    return sum(
        is_fading(count_by_day(traffic, end), ZONE, today=end.astimezone(ZONE).date())
        for traffic, end in ends
    ) / len(ends)


# --- what the product would know ------------------------------------------------------------------


def require_rhythm(traffic: Traffic, at: float) -> Rhythm:
    rhythm = learn(traffic, at)
    if rhythm is None:
        raise ValueError("five weeks of this shape are too little history")
    return rhythm


def learn(traffic: Traffic, at: float) -> Rhythm | None:
    now = to_time(at)
    return learn_rhythm(count_by_day(traffic, now), ZONE, today=now.astimezone(ZONE).date())


def count_by_day(traffic: Traffic, now: datetime) -> dict[date, list[int]]:
    """Return what the product counts: events by UTC day and hour."""
    hours = Counter(int(time) for time in traffic.find_between(0.0, to_hours(now)))
    days: dict[date, list[int]] = {}
    for number, count in hours.items():
        moment = to_time(number)
        days.setdefault(moment.date(), [0] * 24)[moment.hour] += count
    return days


def to_time(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def to_hours(moment: datetime) -> float:
    return (moment.astimezone(UTC) - START) / timedelta(hours=1)
