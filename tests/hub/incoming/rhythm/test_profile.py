"""The usual rate of a source, by hour of the week, from counts by hour."""

from dataclasses import replace
from datetime import timedelta
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.incoming.rhythm.profile import learn_rhythm
from tests.hub.incoming.rhythm.histories import BERLIN, TODAY, build_history, is_office_hour

OFFICE = build_history(lambda local: 6 if is_office_hour(local) else 0)
TUESDAY_10, SUNDAY_10 = 24 + 10, 6 * 24 + 10


def learn(days):
    return learn_rhythm(days, BERLIN, today=TODAY)


def test_office_hours_have_their_rate_and_the_night_has_none():
    rhythm = learn(OFFICE)
    assert rhythm.rates[TUESDAY_10] == pytest.approx(6, rel=0.02)
    assert rhythm.rates[SUNDAY_10] == rhythm.rates[24 + 3] == 0
    assert (rhythm.is_weekly, rhythm.weeks) == (True, 5)
    assert rhythm.per_day == pytest.approx(6 * 50 / 7, rel=0.02)


def test_summer_time_moves_no_office_hour():
    rhythm = learn(OFFICE)
    assert rhythm.rates[24 + 7] == rhythm.rates[24 + 18] == 0


def test_a_burst_changes_no_rate_by_more_than_a_fifth():
    burst_day = TODAY - timedelta(days=5)
    burst = {
        **OFFICE,
        burst_day: [
            count + (300 if hour == 9 else 0) for hour, count in enumerate(OFFICE[burst_day])
        ],
    }
    for usual, rate in zip(learn(OFFICE).rates, learn(burst).rates, strict=True):
        assert rate == pytest.approx(usual, rel=0.2)


def test_a_holiday_lowers_the_rate_by_less_than_a_tenth():
    holiday = {**OFFICE, TODAY - timedelta(days=4): [0] * 24}
    assert learn(holiday).rates[TUESDAY_10] > 0.9 * 6


def test_a_source_that_grows_is_expected_to_be_where_it_is_now():
    def count(local):
        weeks_ago = (TODAY - local.date()).days // 7
        return round(40 * 1.15**-weeks_ago) if is_office_hour(local) else 0

    assert 36 < learn(build_history(count)).rates[TUESDAY_10] < 48


@pytest.mark.parametrize(
    ("case", "days"),
    [
        ("no event yet", {}),
        ("thirteen days", build_history(lambda local: 3, weeks=1)),
        (
            "two events a week",
            build_history(lambda local: (local.weekday(), local.hour) in {(1, 9), (3, 9)}),
        ),
        ("one day a month", build_history(lambda local: 50 * (local.day == 1), weeks=8)),
        ("two days a week", build_history(lambda local: 2 * (local.weekday() < 2), weeks=8)),
    ],
)
def test_too_little_history_gives_no_rhythm(case, days):
    assert learn(days) is None


def test_the_longest_silence_that_ended_is_remembered():
    gap_day = TODAY - timedelta(days=6)
    days = {**OFFICE, gap_day: [0] * 24}
    assert learn(OFFICE).worst == 0
    assert learn(days).worst == pytest.approx(sum(learn(days).rates[24:48]), rel=0.01)


def test_only_eight_weeks_count():
    assert learn(build_history(lambda local: 2, weeks=30)).weeks == 8


@given(scale=st.integers(2, 9), base=st.integers(20, 60))
def test_a_rhythm_scales_with_its_counts(scale, base):
    one, many = (
        learn(build_history(lambda local, most=most: most if is_office_hour(local) else 0))
        for most in (base, base * scale)
    )
    assert fmean(many.rates) == pytest.approx(scale * fmean(one.rates), rel=0.05)
    assert replace(many, rates=()).is_weekly == one.is_weekly
