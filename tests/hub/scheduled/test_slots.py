"""Slots of cron expressions, compared with a walk over every minute by zoneinfo."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hub.scheduled.slots import InvalidCron, check_cron, is_slot, list_slots, next_slot

MINUTE = timedelta(minutes=1)
ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",  # half an hour
    "Antarctica/Troll",  # two hours
    "America/Havana",  # at midnight
    "Asia/Kathmandu",
    "UTC",
)
# nights of a change in one of the zones, and others
STARTS = (
    datetime(2026, 3, 28, 12, tzinfo=UTC),
    datetime(2026, 10, 24, 12, tzinfo=UTC),
    datetime(2026, 3, 7, 20, tzinfo=UTC),
    datetime(2026, 10, 31, 20, tzinfo=UTC),
    datetime(2026, 4, 4, 6, tzinfo=UTC),
    datetime(2026, 10, 3, 6, tzinfo=UTC),
    datetime(2026, 12, 31, 5, tzinfo=UTC),
)


@dataclass(frozen=True)
class Times:
    """A cron expression by its sets."""

    minutes: frozenset[int]
    hours: frozenset[int] | None  # None: every hour

    @property
    def cron(self) -> str:
        hours = "*" if self.hours is None else ",".join(map(str, sorted(self.hours)))
        return f"{','.join(map(str, sorted(self.minutes)))} {hours} * * *"

    def match(self, local_time: datetime) -> bool:
        is_hour = self.hours is None or local_time.hour in self.hours
        return is_hour and local_time.minute in self.minutes


def walk(times: Times, zone: str, start: datetime, end: datetime) -> Iterator[datetime]:
    """Yield the slots as a person would find them who looks at a clock every minute.

    At fixed hours a slot is when the clock first reaches or passes a time.
    """
    reached = local(start - timedelta(days=1), zone)
    at = start - timedelta(days=1)
    while at < end:
        shown = local(at, zone)
        passed = [reached + MINUTE * step for step in range(1, (shown - reached) // MINUTE + 1)]
        is_due = times.match(shown) if times.hours is None else any(map(times.match, passed))
        if is_due and at >= start:
            yield at
        reached = max(reached, shown)
        at += MINUTE


def local(at: datetime, zone: str) -> datetime:
    return at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


@settings(max_examples=60, deadline=None)
@given(
    minutes=st.frozensets(st.integers(0, 59), min_size=1, max_size=4),
    hours=st.none() | st.frozensets(st.integers(0, 23), min_size=1, max_size=5),
    zone=st.sampled_from(ZONES),
    start=st.sampled_from(STARTS),
    delay=st.integers(0, 1200),
)
@example(
    minutes=frozenset({30}),
    hours=None,
    zone="Australia/Lord_Howe",
    start=datetime(2026, 4, 4, 14, 32, tzinfo=UTC),  # before half past one comes again
    delay=0,
)
def test_slots_are_those_of_a_walk_over_every_minute(minutes, hours, zone, start, delay):
    times, start = Times(minutes, hours), start + MINUTE * delay
    end = start + timedelta(hours=20)
    expected = list(walk(times, zone, start, end))
    assert list_slots(times.cron, zone, start=start, end=end, limit=10_000) == expected
    assert next_slot(times.cron, zone, after=start - MINUTE) == (expected or [None])[0] or (
        next_slot(times.cron, zone, after=start - MINUTE) >= end
    )


def berlin(*values: int, fold: int = 0) -> datetime:
    return datetime(*values, fold=fold, tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)


def slots_of_night(cron: str, *date: int) -> list[datetime]:
    start = berlin(*date, 1, 30)
    return list_slots(cron, "Europe/Berlin", start=start, end=start + 4 * 60 * MINUTE, limit=99)


def test_a_fixed_hour_that_exists_twice_is_due_at_the_first():
    assert slots_of_night("30 2 * * *", 2026, 10, 25) == [berlin(2026, 10, 25, 2, 30)]


def test_a_fixed_hour_that_does_not_exist_is_due_at_the_next_valid_time():
    assert slots_of_night("30 2 * * *", 2026, 3, 29) == [berlin(2026, 3, 29, 3)]
    assert slots_of_night("0,30 2,3 * * *", 2026, 3, 29) == [
        berlin(2026, 3, 29, 3),
        berlin(2026, 3, 29, 3, 30),
    ]


def test_an_hourly_job_is_due_in_both_hours():
    assert slots_of_night("30 * * * *", 2026, 10, 25) == [
        berlin(2026, 10, 25, 1, 30),
        berlin(2026, 10, 25, 2, 30),
        berlin(2026, 10, 25, 2, 30, fold=1),
        berlin(2026, 10, 25, 3, 30),
    ]


def test_a_quarter_of_an_hour_stays_one_while_the_clock_is_set_forward():
    slots = slots_of_night("*/15 * * * *", 2026, 3, 29)
    assert {later - slot for slot, later in zip(slots, slots[1:], strict=False)} == {15 * MINUTE}


def test_a_date_that_a_zone_left_out_is_due_at_its_end():
    """Samoa had no 30 December 2011."""
    slot = next_slot("0 9 30 12 *", "Pacific/Apia", after=datetime(2011, 12, 29, tzinfo=UTC))
    assert slot == datetime(2011, 12, 30, 10, tzinfo=UTC)  # 31 December, 00:00


def test_the_limit_ends_a_list():
    start = datetime(2026, 1, 1, tzinfo=UTC)
    end = start + timedelta(days=300)
    assert len(list_slots("* * * * *", "UTC", start=start, end=end, limit=7)) == 7


def test_a_slot_at_the_start_is_listed_and_one_at_the_end_is_not():
    start, end = datetime(2026, 1, 1, 5, tzinfo=UTC), datetime(2026, 1, 1, 6, tzinfo=UTC)
    assert list_slots("0 * * * *", "UTC", start=start, end=end, limit=9) == [start]
    assert is_slot("0 * * * *", "UTC", start)
    assert not is_slot("0 * * * *", "UTC", start + MINUTE)


@pytest.mark.corrections(item="1.21")
@pytest.mark.parametrize(
    "cron",
    [
        "",
        "* * * *",
        "* * * * * *",
        "@daily",
        "30 2 * * *\n",
        "30 2 *\n* *",
        "60 * * * *",
        "*/0 * * * *",
        "1-70 * * * *",
        "-5 * * * *",
        "0 0 31 2 *",
        "H * * * *",
        "R * * * *",
        "r/3 * * * *",
        "0 0 ? * *",
        "0 0 * * 5#9",
        "0 0 * * *\x00",
        "٣ * * * *",
        ",".join(map(str, range(60))) + " * * * *",
    ],
)
def test_a_text_that_is_no_cron_expression_is_refused(cron):
    with pytest.raises(InvalidCron):
        check_cron(cron)


@pytest.mark.parametrize(
    ("cron", "first"),
    [
        ("30 2 * * *", datetime(2026, 3, 12, 2, 30)),
        ("*/15 * * * *", datetime(2026, 3, 11, 12, 15)),
        ("0 9 * * mon", datetime(2026, 3, 16, 9)),
        ("0 9 1,15 * *", datetime(2026, 3, 15, 9)),
        ("0 0 l * *", datetime(2026, 3, 31)),
        ("0 9 * jan-mar 1-5", datetime(2026, 3, 12, 9)),
    ],
)
def test_cron_expressions_are_accepted_and_due_when_they_say(cron, first):
    check_cron(cron)
    wednesday = datetime(2026, 3, 11, 12, tzinfo=UTC)
    assert next_slot(cron, "UTC", after=wednesday) == first.replace(tzinfo=UTC)
