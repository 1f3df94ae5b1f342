"""Rows edited to nonsense, and clocks that jump, neither stop what goes out nor let it burst."""

from datetime import UTC, datetime, timedelta

import pytest

from connectors.wire import Budget, InFlight, Rate
from hub.throttle.answers import leap, pause
from hub.throttle.gauge import gauge
from hub.throttle.models import QuotaState
from hub.throttle.pace import Standing
from hub.throttle.reserve import Demand, Spent, reserve, standing_of
from tests.makers import MINUTE, NOON

pytestmark = pytest.mark.django_db
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
YEAR_9999 = datetime(9999, 12, 31, tzinfo=UTC)
RATE = Spent("x|method|1|m", Rate(100, 10))
DAY = Spent("x|account|1|", Budget(10))
ROOM = Spent("x|app||calls", InFlight(4))

NONSENSE = {
    "a limit of nothing": (RATE, {"limit": 0}),
    "a limit without end": (RATE, {"limit": 2_000_000_000}),
    "the next call in the year 9999": (RATE, {"free_at": YEAR_9999}),
    "the next background call in the year 9999": (RATE, {"low_priority_free_at": YEAR_9999}),
    "a pause until the year 9999": (RATE, {"paused_until": YEAR_9999}),
    "a pause of something without a quota": (Spent("x|connection|#1|", None), {"paused_until": YEAR_9999}),
    "no room at all": (ROOM, {"limit": 0}),
    "a budget of nothing": (DAY, {"limit": 0, "allowed": 0}),
    "buckets that are no buckets": (DAY, {"spent": {"a": "b"}}),
    "buckets of text": (DAY, {"spent": [["x", "y"]]}),
    "less than nothing spent": (DAY, {"spent": [[NOON.timestamp(), -5]]}),
}


def ask(spent, *, calls=1, now=NOON, low_priority=False):
    (answer,) = reserve([Demand((spent,), calls, low_priority=low_priority)], now=now, horizon=SECOND)
    return answer


def row(scope, **values):
    return QuotaState.objects.create(key=scope.key, connector_key="x", kind=scope.key.split("|")[1], **values)


@pytest.mark.parametrize("case", NONSENSE)
def test_nonsense_stops_nothing_for_more_than_half_a_minute(case):
    spent, values = NONSENSE[case]
    row(spent, **values)
    first = ask(spent, low_priority=True)
    assert first.at or ask(spent, now=min(first.again, NOON + 30 * SECOND)).at


@pytest.mark.parametrize("case", ["a limit of nothing", "the next call in the year 9999", "a budget of nothing"])
def test_the_gauge_says_what_cannot_be_meant(case):
    spent, values = NONSENSE[case]
    assert gauge(spent.quota, standing_of(row(spent, **values)), now=NOON).wrong


def test_a_window_that_ends_in_the_year_9999_ends_with_the_quotas_own():
    row(DAY, used=10, window_ends=YEAR_9999)
    assert ask(DAY).again == NOON + 24 * HOUR


@pytest.mark.parametrize("back", [HOUR, 24 * HOUR])
def test_a_clock_that_goes_back_neither_stalls_nor_bursts(back):
    ask(RATE, calls=100)
    then = NOON - back
    assert ask(RATE, now=then).again - then < 5 * SECOND
    moments = [at for second in range(20) for at in ask(RATE, calls=100, now=then + second * SECOND).at]
    assert sum(at < then + 10 * SECOND for at in moments) <= 100 - 10


@pytest.mark.parametrize("back", [HOUR, 24 * HOUR])
def test_a_pause_lasts_as_long_as_it_was_told_to_where_the_clock_goes_back(back):
    pause(RATE.key, until=NOON + 20 * SECOND, now=NOON)
    assert ask(RATE, now=NOON - back).again == NOON - back + 20 * SECOND


@pytest.mark.parametrize("ahead", [HOUR, 24 * HOUR])
def test_a_clock_that_is_seen_to_leap_ahead_lets_nothing_burst(ahead):
    gone = len(ask(RATE, calls=100).at) + len(ask(DAY, calls=10).at)
    then = NOON + ahead
    leap(ahead, now=then)
    leap(ahead, now=then)  # another pump says it too
    assert gone == 21
    assert (len(ask(RATE, calls=100, now=then).at), ask(DAY, now=then).at) == (0, ())
    assert ask(RATE, now=then + 2 * SECOND).at


def test_a_lowered_limit_of_a_budget_holds_what_is_spent_beyond_it():
    assert gauge(DAY.quota, Standing(used=9, limit=5, window_ends=NOON + MINUTE), now=NOON).left == 0
