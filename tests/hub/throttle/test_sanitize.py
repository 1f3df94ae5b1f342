"""Rows edited to nonsense, and clocks that jump, neither stop what goes out nor let it burst."""

from datetime import UTC, datetime, timedelta

import pytest

from connectors.http import Budget, InFlight, Rate
from hub.throttle.demand import Demand, ScopeCost
from hub.throttle.feedback import pause_scope, shift_after_clock_jump
from hub.throttle.limits import QuotaSnapshot
from hub.throttle.models import QuotaState
from hub.throttle.quota_rows import build_snapshot
from hub.throttle.reserve import reserve_calls
from hub.throttle.usage import measure_usage
from tests.factories import MINUTE, NOON

pytestmark = pytest.mark.django_db
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
YEAR_9999 = datetime(9999, 12, 31, tzinfo=UTC)
RATE = ScopeCost("x|method|1|m", Rate(100, 10))
DAY = ScopeCost("x|account|1|", Budget(10))
ROOM = ScopeCost("x|app||calls", InFlight(4))

NONSENSE = {
    "a limit of nothing": (RATE, {"limit": 0}),
    "a limit without end": (RATE, {"limit": 2_000_000_000}),
    "the next call in the year 9999": (RATE, {"free_at": YEAR_9999}),
    "the next background call in the year 9999": (RATE, {"low_priority_free_at": YEAR_9999}),
    "the next delayed call in the year 9999": (RATE, {"delayed_free_at": YEAR_9999}),
    "a pause until the year 9999": (RATE, {"paused_until": YEAR_9999}),
    "a pause of something without a quota": (
        ScopeCost("x|connection|#1|", None),
        {"paused_until": YEAR_9999},
    ),
    "no room at all": (ROOM, {"limit": 0}),
    "a budget of nothing": (DAY, {"limit": 0, "reported_limit": 0}),
    "buckets that are no buckets": (DAY, {"usage_buckets": {"a": "b"}}),
    "buckets of text": (DAY, {"usage_buckets": [["x", "y"]]}),
    "less than nothing spent": (DAY, {"usage_buckets": [[NOON.timestamp(), -5]]}),
}


def reserve_scope(scope, *, calls=1, now=NOON, low_priority=False):
    (answer,) = reserve_calls(
        [Demand((scope,), calls, low_priority=low_priority)], now=now, horizon=SECOND
    )
    return answer


def create_quota_state(scope, **values):
    return QuotaState.objects.create(
        key=scope.key, connector_key="x", kind=scope.key.split("|")[1], **values
    )


@pytest.mark.parametrize("case", NONSENSE)
def test_nonsense_stops_nothing_for_more_than_half_a_minute(case):
    scope, values = NONSENSE[case]
    create_quota_state(scope, **values)
    first = reserve_scope(scope, low_priority=True)
    assert (
        first.call_times
        or reserve_scope(scope, now=min(first.next_at, NOON + 30 * SECOND)).call_times
    )


@pytest.mark.parametrize(
    "case", ["a limit of nothing", "the next call in the year 9999", "a budget of nothing"]
)
def test_the_usage_describes_an_impossible_row(case):
    scope, values = NONSENSE[case]
    assert measure_usage(
        scope.quota, build_snapshot(create_quota_state(scope, **values)), now=NOON
    ).problem


def test_a_window_that_ends_in_the_year_9999_ends_with_the_quotas_own():
    create_quota_state(DAY, used_units=10, window_ends=YEAR_9999)
    assert reserve_scope(DAY).next_at == NOON + 24 * HOUR


@pytest.mark.parametrize("back", [HOUR, 24 * HOUR])
def test_a_clock_that_goes_back_neither_stalls_nor_bursts(back):
    reserve_scope(RATE, calls=100)
    then = NOON - back
    assert reserve_scope(RATE, now=then).next_at - then < 5 * SECOND
    moments = [
        at
        for second in range(20)
        for at in reserve_scope(RATE, calls=100, now=then + second * SECOND).call_times
    ]
    assert sum(at < then + 10 * SECOND for at in moments) <= 100 - 10


@pytest.mark.parametrize("back", [HOUR, 24 * HOUR])
def test_a_pause_keeps_its_length_when_the_clock_goes_back(back):
    pause_scope(RATE.key, until=NOON + 20 * SECOND, now=NOON)
    assert reserve_scope(RATE, now=NOON - back).next_at == NOON - back + 20 * SECOND


@pytest.mark.parametrize("ahead", [HOUR, 24 * HOUR])
def test_a_clock_that_is_seen_to_leap_ahead_lets_nothing_burst(ahead):
    gone = len(reserve_scope(RATE, calls=100).call_times) + len(
        reserve_scope(DAY, calls=10).call_times
    )
    then = NOON + ahead
    shift_after_clock_jump(ahead, now=then)
    shift_after_clock_jump(ahead, now=then)  # another pump says it too
    assert gone == 21
    assert (
        len(reserve_scope(RATE, calls=100, now=then).call_times),
        reserve_scope(DAY, now=then).call_times,
    ) == (0, ())
    assert reserve_scope(RATE, now=then + 2 * SECOND).call_times


def test_a_lowered_limit_of_a_budget_holds_what_is_spent_beyond_it():
    assert (
        measure_usage(
            DAY.quota, QuotaSnapshot(used_units=9, limit=5, window_ends=NOON + MINUTE), now=NOON
        ).remaining
        == 0
    )
