"""When a source is quiet, and when it is silent, by its rhythm."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.incoming.rhythm.profile import Rhythm
from hub.incoming.rhythm.silence import (
    HORIZON,
    expected_gap,
    expected_hours,
    quiet_after,
    silent_after,
)

UTC_ZONE, BERLIN, KOLKATA = (ZoneInfo(name) for name in ("UTC", "Europe/Berlin", "Asia/Kolkata"))
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
STEADY = Rhythm((2.0,) * 168, per_month=1440.0, worst=0.0, is_weekly=False, weeks=5)
OFFICE = Rhythm(
    tuple(6.0 * (hour < 120 and 8 <= hour % 24 < 18) for hour in range(168)),
    per_month=1290.0,
    worst=0.0,
    is_weekly=True,
    weeks=5,
)


def test_quiet_comes_after_three_quarters_of_an_expected_event():
    quiet = quiet_after(STEADY, MONDAY, looks_per_day=480, zone=UTC_ZONE)
    assert quiet - MONDAY == timedelta(hours=0.75 / 2)


def test_a_busy_source_is_asked_about_as_often_as_its_budget_allows():
    busy = replace(STEADY, rates=(100.0,) * 168)
    quiet = quiet_after(busy, MONDAY, looks_per_day=24, zone=UTC_ZONE)
    assert quiet - MONDAY == timedelta(hours=math.log(101) / 100)


def test_no_source_is_quiet_before_two_minutes():
    rapid = replace(STEADY, rates=(9000.0,) * 168)
    quiet = quiet_after(rapid, MONDAY, looks_per_day=10**6, zone=UTC_ZONE)
    assert quiet - MONDAY == timedelta(minutes=2)


def test_a_night_and_a_weekend_are_no_silence():
    friday_evening = datetime(2026, 3, 6, 16, 55, tzinfo=UTC)  # 17:55 in Berlin
    quiet = quiet_after(OFFICE, friday_evening, looks_per_day=480, zone=BERLIN)
    assert quiet == datetime(2026, 3, 9, 7, 2, 30, tzinfo=UTC)


def test_silent_is_what_happens_once_in_2000_months_to_a_living_source():
    silent = silent_after(STEADY, MONDAY, zone=UTC_ZONE)
    assert silent - MONDAY == timedelta(hours=math.log(1440 / 0.0005) / 2)


@pytest.mark.parametrize(("worst", "need"), [(18.0, 20.7), (500.0, 23.0)])
def test_a_silence_that_it_survived_before_is_no_alarm(worst, need):
    silent = silent_after(replace(STEADY, worst=worst), MONDAY, zone=UTC_ZONE)
    assert silent - MONDAY == timedelta(hours=need / 2)


def test_one_quiet_working_day_may_be_a_holiday():
    silent = silent_after(OFFICE, MONDAY + timedelta(hours=7), zone=BERLIN)
    assert silent.date() == MONDAY.date() + timedelta(days=2)


def test_a_rhythm_without_an_hour_in_sight_ends_at_the_horizon():
    nothing = replace(STEADY, rates=(0.0,) * 168)
    assert silent_after(nothing, MONDAY, zone=UTC_ZONE) == MONDAY + HORIZON


def test_the_expected_gap_is_that_of_the_hour_and_a_week_at_most():
    assert expected_gap(OFFICE, MONDAY + timedelta(hours=9), BERLIN) == timedelta(minutes=10)
    assert expected_gap(OFFICE, MONDAY, BERLIN) == timedelta(days=7)


def test_expected_hours_follow_the_clock_of_the_zone():
    sunday_night = datetime(2026, 3, 29, 22, tzinfo=UTC)  # Monday begins, in summer time
    hours = expected_hours(OFFICE, sunday_night, 24, BERLIN)
    assert [number for number, rate in enumerate(hours) if rate] == list(range(8, 18))


@given(
    minutes=st.integers(0, 20_000),
    later=st.integers(1, 500),
    zone=st.sampled_from((BERLIN, KOLKATA)),
)
def test_a_later_sign_of_life_never_brings_an_alarm_forward(minutes, later, zone):
    early, late = (MONDAY + timedelta(minutes=count) for count in (minutes, minutes + later))
    quiet = [quiet_after(OFFICE, at, looks_per_day=48, zone=zone) for at in (early, late)]
    silent = [silent_after(OFFICE, at, zone=zone) for at in (early, late)]
    assert quiet == sorted(quiet) and silent == sorted(silent)
    assert early < quiet[0] < silent[0]
