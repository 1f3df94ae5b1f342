"""Rhythms as they are stored, and the sentence about one."""

from array import array
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from hub.incoming.models import SourceRhythm
from hub.incoming.rhythm.profile import Rhythm
from hub.incoming.rhythm.silence import expected_gap
from hub.number_texts import describe_length

RATE_TYPE = "f"  # 32-bit floats


def pack_rates(rhythm: Rhythm) -> bytes:
    return array(RATE_TYPE, rhythm.rates).tobytes()


def load_rhythm(row: SourceRhythm) -> Rhythm | None:
    """Return a learned rhythm; None: too little history."""
    if row.profile is None:
        return None
    return Rhythm(
        rates=tuple(array(RATE_TYPE, bytes(row.profile))),
        per_month=row.per_month,
        worst=row.worst,
        is_weekly=row.is_weekly,
        weeks=row.weeks,
    )


def describe_rhythm(row: SourceRhythm | None, *, zone: ZoneInfo, now: datetime) -> str:
    """Return how often its events usually arrive at this hour of the week."""
    rhythm = load_rhythm(row) if row is not None else None
    if rhythm is None:
        return _("too little history to judge its silence")
    gap = expected_gap(rhythm, now, zone)
    return _("usually one every %(gap)s at this hour") % {
        "gap": describe_length(gap.total_seconds())
    }
