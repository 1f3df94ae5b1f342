"""How full a quota is, for people."""

from datetime import timedelta

import pytest

from connectors.http import Budget, InFlight, Rate
from hub.throttle.limits import QuotaSnapshot
from hub.throttle.usage import measure_usage
from tests.factories import MINUTE, NOON

CASES = {
    "an idle rate": (Rate(300, 60.0), QuotaSnapshot(), (0, 300, "300 calls in a minute", None)),
    "a rate that is booked half a minute ahead": (
        Rate(60, 60.0),
        QuotaSnapshot(free_at=NOON + timedelta(seconds=30)),
        (29, 60, "60 calls in a minute", NOON + timedelta(seconds=30)),
    ),
    "a budget": (
        Budget(1000),
        QuotaSnapshot(used_units=250, window_ends=NOON + MINUTE),
        (250, 1000, "1,000 calls in a day", None),
    ),
    "a budget that the other system corrected": (
        Budget(1000),
        QuotaSnapshot(used_units=500, reported_limit=500, window_ends=NOON + MINUTE),
        (500, 500, "500 calls in a day", NOON + MINUTE),
    ),
    "a budget whose window is over": (
        Budget(10),
        QuotaSnapshot(used_units=10, window_ends=NOON),
        (0, 10, "10 calls in a day", None),
    ),
    "calls at the same time": (
        InFlight(5),
        QuotaSnapshot(),
        (0, 5, "5 calls at the same time", None),
    ),
    "what is not limited, and paused": (
        None,
        QuotaSnapshot(paused_until=NOON + MINUTE),
        (0, None, "not limited", NOON + MINUTE),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_gauge_tells(case):
    quota, snapshot, (used, limit, label, free_at) = CASES[case]
    usage = measure_usage(quota, snapshot, now=NOON)
    assert (usage.used, usage.limit, usage.label) == (used, limit, label)
    assert usage.free_at == free_at or abs((usage.free_at - free_at).total_seconds()) < 1


def test_the_share_never_leaves_the_bar():
    assert (
        measure_usage(
            Budget(10), QuotaSnapshot(used_units=25, window_ends=NOON + MINUTE), now=NOON
        ).share
        == 100
    )
    assert measure_usage(None, QuotaSnapshot(), now=NOON).share == 0


def test_calls_in_flight_are_shown_as_counted():
    usage = measure_usage(InFlight(5), QuotaSnapshot(), now=NOON, in_flight=3)
    assert (usage.used, usage.remaining, usage.share) == (3, 2, 60)


def test_a_budget_by_the_day_names_its_time_zone():
    assert (
        measure_usage(Budget(10, midnight_zone="Europe/Berlin"), QuotaSnapshot(), now=NOON).label
        == "10 calls in a day of Europe/Berlin"
    )
