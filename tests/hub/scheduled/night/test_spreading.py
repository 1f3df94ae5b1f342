"""Starts are spread over a window: evenly by weight, stable, and the urgent ones first."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.scheduled.night.offsets import STARTS_WINDOW_SHARE, WeightedStart, spread_starts

MINUTE = timedelta(minutes=1)
TEN_MINUTES, NIGHT = 10 * MINUTE, 240 * MINUTE


def starts_of(weights):
    return [
        WeightedStart(number, f"job tenant-{number}", weight)
        for number, weight in enumerate(weights)
    ]


def weight_by_minute(starts, offsets, window):
    minutes = [0.0] * round(window / MINUTE)
    for start in starts:
        minutes[int(offsets[start.key] / MINUTE)] += start.weight
    return minutes


WEIGHTS = {
    "equal": [50] * 200,
    "unequal": [10 + number % 37 for number in range(200)],
    "a few large": [20 + 100 * (number % 40 == 0) for number in range(200)],
}


@pytest.mark.parametrize("name", WEIGHTS)
@pytest.mark.parametrize("window", [TEN_MINUTES, 20 * MINUTE])
def test_the_busiest_minute_of_200_tenants_is_at_most_1_3_times_the_mean(name, window):
    starts = starts_of(WEIGHTS[name])
    minutes = weight_by_minute(starts, spread_starts(starts, window), window)
    mean = sum(minutes) / len(minutes)
    assert max(minutes) <= (1.3 * mean if window == TEN_MINUTES else 1.3 * mean + 120)


@given(st.lists(st.integers(1, 500), min_size=1, max_size=60))
def test_no_minute_exceeds_the_mean_by_more_than_one_run(weights):
    starts = starts_of(weights)
    minutes = weight_by_minute(starts, spread_starts(starts, NIGHT), NIGHT)
    mean = sum(weights) / (len(minutes) * STARTS_WINDOW_SHARE)
    assert max(minutes) <= mean + max(weights) + 1e-6


@given(st.lists(st.integers(1, 500), max_size=30), st.integers(1, 100))
def test_every_start_lies_in_the_window_and_does_not_depend_on_the_order(weights, minutes):
    starts, window = starts_of(weights), minutes * MINUTE
    offsets = spread_starts(starts, window)
    assert all(timedelta(0) <= offset < window for offset in offsets.values())
    assert spread_starts(list(reversed(starts)), window) == offsets


def test_a_tenant_that_is_added_moves_the_others_by_its_own_part_at_most():
    starts = starts_of([50] * 200)
    before = spread_starts(starts, TEN_MINUTES)
    after = spread_starts([*starts, WeightedStart(999, "job new", 50)], TEN_MINUTES)
    moved = [abs(after[key] - before[key]) for key in before]
    assert max(moved) <= TEN_MINUTES / 200


def test_a_run_without_a_known_weight_gets_the_mean():
    known = [WeightedStart(1, "a", 30), WeightedStart(2, "b", 10)]
    unknown = spread_starts([*known, WeightedStart(3, "c")], NIGHT)
    assert unknown == spread_starts([*known, WeightedStart(3, "c", 20)], NIGHT)


def test_a_greater_priority_starts_first():
    starts = [*starts_of([50] * 20), WeightedStart(99, "job urgent", 50, priority=1)]
    assert spread_starts(starts, NIGHT)[99] == timedelta(0)


def test_runs_that_spend_nothing_are_spread_too():
    offsets = spread_starts(starts_of([0] * 4), TEN_MINUTES)
    part = TEN_MINUTES * STARTS_WINDOW_SHARE / 4
    assert sorted(offsets.values()) == [number * part for number in range(4)]


def test_the_last_start_leaves_time_until_the_window_ends():
    offsets = spread_starts(starts_of([50] * 200), TEN_MINUTES)
    assert TEN_MINUTES - max(offsets.values()) >= timedelta(seconds=30)
