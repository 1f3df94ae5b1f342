"""The arithmetic of quotas."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.http import Budget, Rate
from hub.throttle.limits import (
    QuotaSnapshot,
    scope_opens_at,
    spend_units,
    units_left,
)
from hub.throttle.report_correction import correct_snapshot
from tests.factories import MINUTE, NOON

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)


def calls(quota, count, snapshot=None, now=NOON, *, cost=1, share=0.0):
    """The moments at which so many calls may go, one after the other as early as possible."""
    snapshot, moments = snapshot or QuotaSnapshot(), []
    for _ in range(count):
        now = scope_opens_at(quota, snapshot, now, cost=cost, share=share)
        snapshot = spend_units(quota, snapshot, cost, at=now, now=now, share=share)
        moments.append(now)
    return moments


def most_in_a_window(moments, per):
    return max(sum(start <= moment < start + per for moment in moments) for start in moments)


@given(limit=st.integers(1, 200), per=st.sampled_from([1.0, 2.0, 10.0, 60.0]))
def test_no_window_of_a_rate_ever_holds_more_than_the_limit(limit, per):
    moments = calls(Rate(limit, per), 2 * limit + 5)
    assert most_in_a_window(moments, timedelta(seconds=per)) <= limit


@given(
    limit=st.integers(1, 60),
    per=st.sampled_from([10.0, 60.0, 3600.0, 86400.0]),
    early=st.floats(0, 86400),
)
def test_no_window_of_a_rolling_budget_ever_holds_more_than_the_limit(limit, per, early):
    moments = calls(Budget(limit, per), 3 * limit + 2, now=NOON + timedelta(seconds=early))
    assert most_in_a_window(moments, timedelta(seconds=per)) <= limit


@given(
    quota=st.builds(Rate, st.integers(1, 100), st.just(2.0))
    | st.builds(Budget, st.integers(1, 100), st.just(2.0)),
    gaps=st.lists(st.floats(0, 3), min_size=5, max_size=60),
)
def test_not_even_where_calls_come_irregularly(quota, gaps):
    snapshot, now, moments = QuotaSnapshot(), NOON, []
    for gap in gaps:
        now = scope_opens_at(quota, snapshot, now + timedelta(seconds=gap))
        snapshot = spend_units(quota, snapshot, 1, at=now, now=now)
        moments.append(now)
    assert most_in_a_window(moments, 2 * SECOND) <= quota.limit


@given(
    quota=st.builds(Rate, st.integers(1, 120), st.just(10.0))
    | st.builds(Budget, st.integers(1, 120), st.just(10.0)),
    costs=st.lists(st.integers(1, 30), min_size=2, max_size=40),
)
def test_not_even_where_calls_cost_more_than_one_unit(quota, costs):
    snapshot, now, spent = QuotaSnapshot(), NOON, []
    for cost in costs:
        now = scope_opens_at(quota, snapshot, now, cost=cost)
        snapshot = spend_units(quota, snapshot, cost, at=now, now=now)
        spent += [now] * min(cost, quota.limit)
    assert most_in_a_window(spent, 10 * SECOND) <= quota.limit


@pytest.mark.parametrize(
    ("quota", "least"),
    [
        (Rate(600, 60), 0.95),
        (Rate(100, 10), 0.95),
        (Rate(50, 60), 0.95),
        (Rate(1, 1), 0.8),
        (Budget(100, 3600), 0.95),
        (Budget(500, 86400), 0.95),
    ],
)
def test_nearly_all_of_a_quota_is_used_after_its_first_window(quota, least):
    moments, per, windows = calls(quota, 12 * quota.limit), quota.per_seconds * SECOND, 10
    used = sum(NOON + per <= moment < NOON + (windows + 1) * per for moment in moments)
    assert used >= least * windows * quota.limit


def test_a_pause_is_kept_to_the_moment():
    snapshot = QuotaSnapshot(paused_until=NOON + MINUTE)
    assert scope_opens_at(Rate(100, 1), snapshot, NOON) == NOON + MINUTE


def test_a_spent_budget_opens_with_its_window():
    spent = QuotaSnapshot(used_units=10, window_ends=NOON + MINUTE)
    assert scope_opens_at(Budget(10, 60), spent, NOON) == NOON + MINUTE
    assert units_left(Budget(10, 60), spent, NOON + MINUTE) == 10


def test_a_budget_resets_at_midnight_of_its_zone_also_when_summer_time_begins():
    day = Budget(2, midnight_zone="Europe/Berlin")
    winter = calls(day, 3)
    assert winter == [NOON, NOON, NOON + 11 * HOUR]  # 23:00 UTC
    autumn = NOON.replace(month=10, day=25, hour=1)  # the clocks went back to 01:00 UTC
    assert calls(day, 3, now=autumn)[-1] == autumn.replace(hour=23)


def test_what_the_provider_allows_is_truer_than_what_we_thought():
    assert (
        units_left(
            Budget(15000),
            QuotaSnapshot(used_units=14999, reported_limit=14999, window_ends=NOON + MINUTE),
            NOON,
        )
        == 0
    )


def test_a_report_of_more_counts_at_once_and_is_forgotten_when_the_window_has_rolled():
    snapshot = correct_snapshot(
        Budget(100, 3600), QuotaSnapshot(), used=40, limit=100, window_ends=None, now=NOON
    )
    assert units_left(Budget(100, 3600), snapshot, NOON) == 60
    assert units_left(Budget(100, 3600), snapshot, NOON + 1.1 * HOUR) == 100


@pytest.mark.parametrize("ends", [None, NOON + HOUR])
def test_a_report_of_less_counts_but_for_what_may_still_be_on_its_way(ends):
    day, snapshot = Budget(100, 86400), QuotaSnapshot()
    for at, count in ((NOON - HOUR, 50), (NOON - SECOND, 5)):
        snapshot = spend_units(day, snapshot, count, at=at, now=at)
    snapshot = correct_snapshot(day, snapshot, used=30, limit=100, window_ends=ends, now=NOON)
    assert units_left(day, snapshot, NOON) == (65 if ends else 70)


@pytest.mark.parametrize(
    ("ends", "opens"), [(NOON - HOUR, SECOND), (NOON + 100_000 * HOUR, 24 * HOUR)]
)
def test_a_reported_end_is_believed_as_far_as_it_can_be(ends, opens):
    snapshot = correct_snapshot(
        Budget(10), QuotaSnapshot(), used=10, limit=10, window_ends=ends, now=NOON
    )
    assert scope_opens_at(Budget(10), snapshot, NOON) == NOON + opens


def test_staff_may_set_a_limit_of_their_own():
    assert len(set(calls(Rate(1000, 1), 3, QuotaSnapshot(limit=1)))) == 3


@pytest.mark.parametrize("limit", [0, 2_000_000_000])
def test_an_unusable_limit_does_not_count(limit):
    assert calls(Rate(50, 1), 60, QuotaSnapshot(limit=limit)) == calls(Rate(50, 1), 60)


def test_background_work_leaves_a_share_of_a_rate_free():
    low_priority = calls(Rate(100, 10), 200, share=0.2)
    used = sum(NOON + 10 * SECOND <= moment < NOON + 20 * SECOND for moment in low_priority)
    assert 74 <= used <= 80


def test_background_work_leaves_a_share_of_a_budget_to_live_work():
    spent = QuotaSnapshot(used_units=80, window_ends=NOON + HOUR)
    assert scope_opens_at(Budget(100, 3600), spent, NOON, share=0.2) == NOON + HOUR
    assert scope_opens_at(Budget(100, 3600), spent, NOON) == NOON


@pytest.mark.parametrize("quota", [Budget(100, 3600), Rate(100, 60), None])
def test_a_report_of_any_number_fits_its_column(quota):
    snapshot = correct_snapshot(
        quota, QuotaSnapshot(), used=10**12, limit=10**12, window_ends=None, now=NOON
    )
    assert max(snapshot.used_units, snapshot.reported_limit) < 2**31
