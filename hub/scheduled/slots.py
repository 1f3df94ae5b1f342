"""Compute when a cron expression is due in a time zone. Pure.

When the clock is set back, a job at fixed hours runs at the first of two equal times; when it is
set forward, at the next valid time. A job of every hour runs at its minute of every hour, so in
both equal hours. croniter enumerates local times only; the time zone is applied here.
"""

import heapq
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import takewhile
from zoneinfo import ZoneInfo

from croniter import CroniterBadDateError, CroniterError, croniter

CRON_FIELD_COUNT = 5  # minute, hour, day of month, month, day of week
FIELD_PATTERN = re.compile(r"[0-9a-z*/#-]+(,[0-9a-z*/#-]+)*", re.IGNORECASE | re.ASCII)
RANDOM_PATTERN = re.compile(r"(^|,)[hr]([/,]|$)", re.IGNORECASE)  # croniter draws such values
CRON_LENGTH_MAX = 100  # characters
EVERY_VALUE = ["*"]  # what croniter makes of a field that allows every value
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
SECOND = timedelta(seconds=1)
EARLIEST, LATEST = datetime(1971, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


class InvalidCron(ValueError):
    """The text is not a cron expression with a slot, for the reason in the message."""


def check_cron(cron: str) -> None:
    """Raise InvalidCron unless the text has five fields and matches some time."""
    fields = cron.split() if cron.isprintable() else []  # a line break separates no fields
    if len(fields) != CRON_FIELD_COUNT or len(cron) > CRON_LENGTH_MAX:
        raise InvalidCron("it must have five fields: minute, hour, day, month and day of the week")
    for field in fields:
        if not FIELD_PATTERN.fullmatch(field) or RANDOM_PATTERN.search(field):
            raise InvalidCron(f"{field!r} is not a field of a cron expression")
    try:
        croniter(cron, datetime(2026, 1, 1)).get_next(datetime)
    except CroniterBadDateError:
        raise InvalidCron("it is never due") from None
    except (CroniterError, ValueError, KeyError, IndexError):
        raise InvalidCron("it is not a cron expression such as 30 2 * * *") from None


def list_slots(
    cron: str, time_zone: str, *, start: datetime, end: datetime, limit: int
) -> list[datetime]:
    """Return the slots from `start` up to before `end`, in UTC, at most `limit`."""
    slots = takewhile(
        lambda slot: slot < end,
        iterate_slots(cron, time_zone, after=start - timedelta(microseconds=1)),
    )
    return [slot for slot, _ in zip(slots, range(limit), strict=False)]


def next_slot(cron: str, time_zone: str, *, after: datetime) -> datetime | None:
    """Return the first slot after a time, in UTC; None if there is none."""
    return next(iterate_slots(cron, time_zone, after=after), None)


def is_slot(cron: str, time_zone: str, at: datetime) -> bool:
    """Return whether there is a slot at this time."""
    return next_slot(cron, time_zone, after=at - timedelta(microseconds=1)) == at


def iterate_slots(cron: str, time_zone: str, *, after: datetime) -> Iterator[datetime]:
    """Yield the slots after a time, the earliest first, in UTC. Ends in the year 2200."""
    if not EARLIEST <= after < LATEST:
        return
    zone, is_hourly, last = ZoneInfo(time_zone), is_hourly_cron(cron), after
    times: list[datetime] = []
    for local_time in iterate_local_times(cron, after=find_local_start(zone, after)):
        earliest, resolved = resolve_local_time(local_time, zone, is_hourly=is_hourly)
        for time in resolved:
            heapq.heappush(times, time)
        # every later local time is resolved to `earliest` or a later time
        while times and times[0] <= earliest:
            slot = heapq.heappop(times)
            if slot > last:
                last = slot
                yield slot


@lru_cache(maxsize=1024)
def is_hourly_cron(cron: str) -> bool:
    """Return whether the expression allows every hour of the day."""
    hours: list[int | str] = list(croniter.expand(cron)[0][1])
    return hours == EVERY_VALUE


def iterate_local_times(cron: str, *, after: datetime) -> Iterator[datetime]:
    """Yield the local times that match, without a time zone, the earliest first."""
    times = croniter(cron, after, ret_type=datetime)
    end = LATEST.replace(tzinfo=None)
    try:
        while (local_time := times.get_next(datetime)) < end:
            yield local_time
    except CroniterBadDateError:  # nothing matches within 50 years
        return


def find_local_start(zone: ZoneInfo, after: datetime) -> datetime:
    """Return the local time to search from for all slots that follow `after`.

    If the clock was or will be set back within a day, it is earlier than the clock shows: times
    that have passed come again.
    """
    offset = read_offset(zone, after)
    set_back = max(
        read_offset(zone, after - DAY) - offset,
        offset - read_offset(zone, after + DAY),
        timedelta(0),
    )
    local_time = (after + offset - set_back).replace(tzinfo=None)
    return local_time.replace(second=0, microsecond=0) - MINUTE


def resolve_local_time(
    local_time: datetime, zone: ZoneInfo, *, is_hourly: bool
) -> tuple[datetime, list[datetime]]:
    """Return when the clock first shows this local time or a later one, and its slots."""
    first, second = (local_time.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first == second:
        return first, [first]
    if first < second:  # the clock is set back: the local time exists twice
        return first, [first, second] if is_hourly else [first]
    transition = find_transition(zone, second, first)  # it is set forward: it does not exist
    return transition, [] if is_hourly else [transition]


def find_transition(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """Return the first second, after `before`, with the offset that applies at `after`."""
    offset = read_offset(zone, after)
    while after - before > SECOND:
        middle = before + timedelta(seconds=(after - before) // SECOND // 2)
        if read_offset(zone, middle) == offset:
            after = middle
        else:
            before = middle
    return after


def read_offset(zone: ZoneInfo, at: datetime) -> timedelta:
    """Return the offset of a zone from UTC."""
    return at.astimezone(zone).utcoffset() or timedelta(0)
