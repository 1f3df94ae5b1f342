"""The arithmetic of quotas."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.wire import Budget, Rate
from hub.throttle.pace import Standing, left, open_at, spend
from tests.makers import MINUTE, NOON

SECOND = timedelta(seconds=1)


def calls(quota, count, standing=None, now=NOON):
    """The moments at which so many calls may go, one after the other as early as possible."""
    standing, moments = standing or Standing(), []
    for _ in range(count):
        now = open_at(quota, standing, now)
        standing = spend(quota, standing, 1, at=now, now=now)
        moments.append(now)
    return moments


def most_in_a_window(moments, per):
    return max(sum(start <= moment < start + per for moment in moments) for start in moments)


@given(limit=st.integers(1, 200), per=st.sampled_from([1.0, 2.0, 10.0, 60.0]))
def test_no_window_ever_holds_more_than_the_limit(limit, per):
    moments = calls(Rate(limit, per), 2 * limit + 5)
    assert most_in_a_window(moments, timedelta(seconds=per)) <= limit


@given(limit=st.integers(1, 100), gaps=st.lists(st.floats(0, 3), min_size=5, max_size=60))
def test_not_even_where_calls_come_irregularly(limit, gaps):
    quota, standing, now, moments = Rate(limit, 2.0), Standing(), NOON, []
    for gap in gaps:
        now = open_at(quota, standing, now + timedelta(seconds=gap))
        standing = spend(quota, standing, 1, at=now, now=now)
        moments.append(now)
    assert most_in_a_window(moments, 2 * SECOND) <= limit


@pytest.mark.parametrize(("limit", "per", "least"), [(600, 60, 0.95), (100, 10, 0.95), (50, 60, 0.95), (1, 1, 0.8)])
def test_nearly_all_of_a_quota_is_used_after_its_first_window(limit, per, least):
    moments = calls(Rate(limit, per), 4 * limit)
    used = sum(NOON + per * SECOND <= moment < NOON + 3 * per * SECOND for moment in moments)
    assert used >= least * 2 * limit


def test_a_pause_is_kept_to_the_moment():
    standing = Standing(paused_until=NOON + MINUTE)
    assert open_at(Rate(100, 1), standing, NOON) == NOON + MINUTE


def test_a_spent_budget_opens_with_its_window():
    spent = Standing(used=10, window_ends=NOON + MINUTE)
    assert open_at(Budget(10, 60), spent, NOON) == NOON + MINUTE
    assert left(Budget(10, 60), spent, NOON + MINUTE) == 10


def test_what_the_provider_allows_is_truer_than_what_we_thought():
    assert left(Budget(15000), Standing(used=14999, allowed=14999, window_ends=NOON + MINUTE), NOON) == 0


def test_staff_may_set_a_limit_of_their_own():
    assert len(set(calls(Rate(1000, 1), 3, Standing(limit=1)))) == 3
