"""Say when a source has been quiet, and when silent, for too long: from its rhythm alone.

*Quiet* asks for evidence, and any good evidence restarts it; *silent* is an alarm. All limits are
in events that were expected since the last sign of life (docs/decisions/silence.md).
"""

import math
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hub.incoming.rhythm.profile import Rhythm

QUIET = 0.75
FALSE_ALARMS_A_MONTH = 0.0005  # the stated rate: of a living source whose rhythm is known exactly
WORST_MARGIN, WORST_MOST = 1.15, 20.0
DAY_SHARE = 0.45  # of a silence, on a source with quiet weekends: one day may be a holiday
QUIET_LEAST = timedelta(minutes=2)
HORIZON = timedelta(days=35)
HOUR = timedelta(hours=1)
RATE_LEAST = 1 / 168


def quiet_after(
    rhythm: Rhythm, since: datetime, *, looks_per_day: float, zone: ZoneInfo
) -> datetime:
    """Return when to ask for evidence, if nothing is heard until then.

    A living source is asked about `looks_per_day` times a day at most, on average.
    """
    need = max(QUIET, math.log1p(rhythm.per_day / looks_per_day))
    return max(advance(rhythm, since, need, zone), since + QUIET_LEAST)


def silent_after(rhythm: Rhythm, since: datetime, *, zone: ZoneInfo) -> datetime:
    """Return when so long a silence is improbable at the stated rate."""
    need = max(
        math.log(max(rhythm.per_month, 1.0) / FALSE_ALARMS_A_MONTH),
        WORST_MARGIN * min(rhythm.worst, WORST_MOST),
    )
    most_a_day = DAY_SHARE * need if rhythm.is_weekly else math.inf
    return advance(rhythm, since, need, zone, most_a_day=most_a_day)


def advance(
    rhythm: Rhythm,
    start: datetime,
    need: float,
    zone: ZoneInfo,
    *,
    most_a_day: float = math.inf,
) -> datetime:
    """Return when `need` events were expected since `start`, after five weeks at the latest.

    No local day counts for more than `most_a_day` of them.
    """
    limit = start + HORIZON
    at, day, left = start, None, most_a_day
    while at < limit:
        hour = at.replace(minute=0, second=0, microsecond=0)
        local = hour.astimezone(zone)
        if local.date() != day:
            day, left = local.date(), most_a_day
        rate = rhythm.rates[local.weekday() * 24 + local.hour]
        expected = min(rate * ((hour + HOUR - at) / HOUR), left)
        if expected >= need:
            return at + HOUR * (need / rate)
        need, left, at = need - expected, left - expected, hour + HOUR
    return limit


def expected_gap(rhythm: Rhythm, at: datetime, zone: ZoneInfo) -> timedelta:
    """Return the usual time between two events at this hour of the week, a week at most."""
    return HOUR / max(expected_hours(rhythm, at, 1, zone)[0], RATE_LEAST)


def expected_hours(rhythm: Rhythm, first: datetime, count: int, zone: ZoneInfo) -> list[float]:
    """Return the events that are expected in each of `count` hours from the one of `first`."""
    local_hours = ((first + HOUR * number).astimezone(zone) for number in range(count))
    return [rhythm.rates[local.weekday() * 24 + local.hour] for local in local_hours]
