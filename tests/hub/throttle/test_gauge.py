"""How full a quota is, for people."""

from datetime import timedelta

import pytest

from connectors.wire import Budget, InFlight, Rate
from hub.throttle.gauge import gauge
from hub.throttle.pace import Standing
from tests.makers import MINUTE, NOON

CASES = {
    "an idle rate": (Rate(300, 60.0), Standing(), (0, 300, "300 calls in a minute", None)),
    "a rate that is booked half a minute ahead": (
        Rate(60, 60.0),
        Standing(free_at=NOON + timedelta(seconds=30)),
        (30, 60, "60 calls in a minute", NOON + timedelta(seconds=30)),
    ),
    "a budget": (
        Budget(1000),
        Standing(used=250, window_ends=NOON + MINUTE),
        (250, 1000, "1,000 calls in a day", None),
    ),
    "a budget that the other system corrected": (
        Budget(1000),
        Standing(used=500, allowed=500, window_ends=NOON + MINUTE),
        (500, 500, "500 calls in a day", NOON + MINUTE),
    ),
    "a budget whose window is over": (
        Budget(10),
        Standing(used=10, window_ends=NOON),
        (0, 10, "10 calls in a day", None),
    ),
    "calls at the same time": (InFlight(5), Standing(), (0, 5, "5 calls at the same time", None)),
    "what is not limited, and paused": (
        None,
        Standing(paused_until=NOON + MINUTE),
        (0, None, "not limited", NOON + MINUTE),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_gauge_tells(case):
    quota, standing, (used, allowed, label, free_at) = CASES[case]
    told = gauge(quota, standing, now=NOON)
    assert (told.used, told.allowed, told.label) == (used, allowed, label)
    assert told.free_at == free_at or abs((told.free_at - free_at).total_seconds()) < 1


def test_the_share_never_leaves_the_bar():
    assert gauge(Budget(10), Standing(used=25, window_ends=NOON + MINUTE), now=NOON).share == 100
    assert gauge(None, Standing(), now=NOON).share == 0


def test_calls_in_flight_are_told_as_they_were_counted():
    told = gauge(InFlight(5), Standing(), now=NOON, in_flight=3)
    assert (told.used, told.left, told.share) == (3, 2, 60)


def test_a_day_of_a_place_is_told_as_such():
    assert (
        gauge(Budget(10, midnight="Europe/Berlin"), Standing(), now=NOON).label == "10 calls in a day of Europe/Berlin"
    )
