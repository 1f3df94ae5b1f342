"""Say whether a source has fewer and fewer events, although it is not silent."""

import math
from collections.abc import Mapping, Sequence
from datetime import date
from statistics import median
from zoneinfo import ZoneInfo

from hub.incoming.rhythm.profile import collect_weeks

FADING_SHARE = 0.5
IMPROBABLE = 1e-4
WEEKS_BEFORE = 2


def is_fading(days: Mapping[date, Sequence[int]], zone: ZoneInfo, *, today: date) -> bool:
    """Return whether the last seven days had less than half of a usual week, and not by chance."""
    totals = [sum(week) for week in collect_weeks(days, zone, today=today)]
    if len(totals) < 1 + WEEKS_BEFORE:
        return False
    newest, usual = totals[0], median(totals[1:])
    return newest < FADING_SHARE * usual and _chance_of_fewer(newest, usual) < IMPROBABLE


def _chance_of_fewer(count: int, mean: float) -> float:
    """Return an upper bound (Chernoff) of the chance of at most `count` random events."""
    exponent = mean - count + (count * math.log(count / mean) if count else 0.0)
    return math.exp(-exponent)
