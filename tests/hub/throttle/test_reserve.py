"""Scopes are taken together or not at all, and answers say when."""

from datetime import timedelta

import pytest
from django.db import connection as database
from hypothesis import given
from hypothesis import strategies as st

from connectors.http import Budget, Rate
from hub.throttle.booking import Booking, CallBooker
from hub.throttle.demand import Demand, ScopeCost
from hub.throttle.feedback import QuotaReport, correct_quotas, pause_scope, reopen_scopes
from hub.throttle.in_flight_leases import InFlightCapacity
from hub.throttle.limits import SEND_DELAY, QuotaSnapshot
from hub.throttle.models import QuotaState
from hub.throttle.reserve import reserve_calls
from tests.factories import MINUTE, NOON
from tests.hub.throttle.test_limits import most_in_a_window

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)
HOUR = 60 * MINUTE
CHANNEL = ScopeCost("slack|channel|T1|C1", Rate(1, 1))
METHOD = ScopeCost("slack|method|T1|chat.postMessage", Rate(300, 60))
HOOK = ScopeCost("webhook|connection|#1|", None)
DAY = ScopeCost("salesforce|account|00D|", Budget(100_000))


def reserve_scopes(*scopes, calls=1, now=NOON, horizon=SECOND, low_priority=False):
    (answer,) = reserve_calls(
        [Demand(scopes, calls, low_priority=low_priority)], now=now, horizon=horizon
    )
    return answer


def test_a_channel_takes_one_message_a_second():
    answer = reserve_scopes(CHANNEL, METHOD, calls=5)
    assert answer.call_times == (NOON,)
    assert SECOND < answer.next_at - NOON < 1.2 * SECOND


def test_what_is_booked_is_booked_for_everybody():
    reserve_scopes(CHANNEL)
    assert reserve_scopes(CHANNEL).call_times == ()


def test_a_scope_that_is_not_free_spends_nothing_of_the_others():
    reserve_scopes(CHANNEL)
    before = (
        QuotaState.objects.get(key=METHOD.key).free_at
        if reserve_scopes(METHOD).call_times
        else None
    )
    assert reserve_scopes(CHANNEL, METHOD).call_times == ()
    assert QuotaState.objects.get(key=METHOD.key).free_at == before


def test_a_demand_that_waits_for_its_own_scope_delays_no_other():
    slow, method = (
        ScopeCost("x|channel|1|slow", Rate(2, 1)),
        ScopeCost("x|method|1|m", Rate(100, 10)),
    )
    delayed_reservation, other = reserve_calls(
        [Demand((slow, method), 2), Demand((method,), 3)], now=NOON, horizon=SECOND
    )
    assert delayed_reservation.call_times[1] > NOON + 0.5 * SECOND
    assert other.call_times[2] < NOON + 0.4 * SECOND


def test_demands_take_turns_at_what_they_share():
    shared = ScopeCost("x|app||", Rate(500, 1))
    first, second = reserve_calls(
        [Demand((shared, ScopeCost(f"x|channel|1|{name}", None)), 9) for name in "ab"],
        now=NOON,
        horizon=timedelta(0),
    )
    assert (len(first.call_times), len(second.call_times)) == (5, 5)


def test_of_demands_with_ranks_the_lowest_goes_first():
    shared = ScopeCost("x|app||", Rate(100, 10))  # two at once
    late, early = reserve_calls(
        [
            Demand((shared, ScopeCost("x|channel|1|b", None)), 2, ranks=(2, 3)),
            Demand((shared, ScopeCost("x|channel|1|a", None)), 2, ranks=(0, 1)),
        ],
        now=NOON,
        horizon=timedelta(0),
    )
    assert (len(early.call_times), len(late.call_times)) == (2, 0)
    assert late.closed_scopes == {shared.key: late.next_at}


def test_no_row_is_made_for_what_is_not_limited(django_assert_max_num_queries):
    with django_assert_max_num_queries(1):
        assert reserve_scopes(HOOK, calls=100).call_times == (NOON,) * 100
    assert not QuotaState.objects.exists()


def test_a_429_pauses_even_what_is_not_limited_and_one_probe_reopens_it():
    pause_scope(HOOK.key, until=NOON + MINUTE, now=NOON)
    assert reserve_scopes(HOOK, calls=3).next_at == NOON + MINUTE
    assert len(reserve_scopes(HOOK, calls=3, now=NOON + MINUTE).call_times) == 1
    assert reopen_scopes({HOOK.key: NOON + MINUTE}) == [HOOK.key]
    assert len(reserve_scopes(HOOK, calls=3, now=NOON + MINUTE).call_times) == 3


def test_of_two_pauses_the_one_that_ends_later_counts():
    pause_scope(HOOK.key, until=NOON + HOUR, now=NOON)
    pause_scope(HOOK.key, until=NOON + MINUTE, now=NOON)
    assert QuotaState.objects.get().paused_until == NOON + HOUR
    pause_scope(HOOK.key, until=NOON + 2 * HOUR, now=NOON)
    assert QuotaState.objects.get().paused_until == NOON + 2 * HOUR


def test_the_answer_to_a_probe_ends_the_pause_that_the_probe_made():
    pause_scope(HOOK.key, until=NOON, now=NOON)
    (at,) = reserve_scopes(HOOK).call_times
    pause_scope(HOOK.key, until=NOON + SECOND, now=NOON, probed_at=at)
    assert QuotaState.objects.get().paused_until == NOON + SECOND


@pytest.mark.parametrize("ends", ["well", "throttled"])
def test_what_a_probe_finds_does_not_shorten_a_pause_that_began_meanwhile(ends):
    pause_scope(HOOK.key, until=NOON, now=NOON)
    (at,) = reserve_scopes(HOOK).call_times
    pause_scope(HOOK.key, until=NOON + HOUR, now=NOON)
    if ends == "well":
        assert reopen_scopes({HOOK.key: at}) == []
    else:
        pause_scope(HOOK.key, until=NOON + SECOND, now=NOON, probed_at=at)
    assert QuotaState.objects.get().paused_until == NOON + HOUR


def test_an_impossible_pause_does_not_outlast_a_new_one():
    pause_scope(HOOK.key, until=NOON + 1000 * HOUR, now=NOON)
    pause_scope(HOOK.key, until=NOON + MINUTE, now=NOON)
    assert QuotaState.objects.get().paused_until == NOON + MINUTE


def test_a_probe_that_never_answers_lets_another_go_later():
    pause_scope(HOOK.key, until=NOON, now=NOON)
    assert len(reserve_scopes(HOOK, calls=9).call_times) == 1
    assert len(reserve_scopes(HOOK, calls=9, now=NOON + MINUTE).call_times) == 1


def test_headers_correct_a_budget():
    reserve_scopes(DAY)
    report = QuotaReport(DAY.quota, used=15000, limit=15000, window_ends=NOON + MINUTE)
    correct_quotas({DAY.key: report}, now=NOON)
    assert reserve_scopes(DAY).next_at == NOON + MINUTE


def test_nothing_is_booked_beyond_the_end_of_a_budgets_window():
    both = (DAY, ScopeCost("salesforce|method|00D|x", Rate(2, 2)))
    correct_quotas(
        {
            key: QuotaReport(DAY.quota, 0, 10, NOON + 0.5 * SECOND)
            for key in [DAY.key]
            if reserve_scopes(*both)
        },
        now=NOON,
    )
    QuotaState.objects.filter(key=DAY.key).update(window_ends=NOON + 0.5 * SECOND)
    assert reserve_scopes(*both, calls=2).call_times == ()


def test_background_work_stops_where_the_share_of_live_work_begins():
    small = ScopeCost("x|account|1|", Budget(10))
    assert len(reserve_scopes(small, calls=10, low_priority=True).call_times) == 8
    assert len(reserve_scopes(small, calls=10).call_times) == 2


def test_a_connector_states_the_background_share_of_each_quota():
    small = ScopeCost("x|account|1|", Budget(10, background_share=0.3))
    other = ScopeCost("x|account|2|", Budget(10))
    assert len(reserve_scopes(small, other, calls=10, low_priority=True).call_times) == 3
    assert len(reserve_scopes(other, calls=10, low_priority=True).call_times) == 5


def test_many_demands_take_a_fixed_number_of_statements(django_assert_num_queries):
    demands = [
        Demand((ScopeCost(f"slack|channel|T1|C{number}", Rate(1, 1)), METHOD), 3)
        for number in range(30)
    ]
    reserve_calls(demands, now=NOON, horizon=SECOND)
    # savepoint, lock, write, release; Django does not count lock and write on a binary cursor
    with django_assert_num_queries(2 if database.vendor == "postgresql" else 4):
        reserve_calls(demands, now=NOON + MINUTE, horizon=SECOND)


UNITS = st.integers(1, 40)
SCOPES = st.sampled_from(
    [("roomy",), ("roomy", "budget"), ("tight",), ("roomy", "tight"), ("paused", "roomy")]
)
QUOTAS = {"roomy": Rate(2_000, 1), "tight": Rate(100, 1), "budget": Budget(150), "paused": None}


@given(st.lists(st.tuples(SCOPES, UNITS, st.booleans()), max_size=6), st.integers(0, 3))
def test_what_fits_at_once_is_booked_as_it_would_be_call_after_call(demands, seconds):
    demands = [
        Demand(tuple(ScopeCost(key, QUOTAS[key]) for key in keys), calls, low_priority=low_priority)
        for keys, calls, low_priority in demands
    ]
    standings = dict.fromkeys(QUOTAS, QuotaSnapshot()) | {
        "roomy": QuotaSnapshot(free_at=NOON + 0.01 * seconds * SECOND),
        "paused": QuotaSnapshot(paused_until=NOON + (seconds - 2) * SECOND),
    }
    books = [
        CallBooker(
            [Booking.of(demand, standings) for demand in demands],
            dict(standings),
            InFlightCapacity({}, {}, {}, {}),
            now=NOON,
            lead=0.02 * SECOND,
            until=NOON + SECOND,
        )
        for _ in range(2)
    ]
    at_once, in_turn = books
    at_once.book_calls(at_once.bookings)
    in_turn.book_in_turn_order(in_turn.bookings)
    assert [sorted(booking.call_times) for booking in at_once.bookings] == [
        sorted(booking.call_times) for booking in in_turn.bookings
    ]
    assert at_once.snapshots == in_turn.snapshots


def reserve_delayable(*demands, now=NOON):
    return reserve_calls(demands, now=now, horizon=SECOND, lead=0.05 * SECOND, can_delay=True)


def test_calls_of_a_rate_with_ample_room_are_booked_now_and_may_be_delayed():
    (answer,) = reserve_delayable(Demand((ScopeCost("x|method|1|m", Rate(1_000, 1)),), 8))
    assert answer.can_be_delayed
    assert answer.call_times == (NOON,) * 8


def test_no_more_calls_may_be_delayed_than_the_rates_share_for_these():
    demand = Demand((ScopeCost("x|method|1|m", Rate(1_000, 1)),), 8)
    answers = [answer for _ in range(4) for answer in reserve_delayable(demand)]
    assert [answer.can_be_delayed for answer in answers] == [True, False, False, False]
    assert reserve_delayable(demand, now=NOON + 3 * SECOND)[0].can_be_delayed


def test_calls_of_a_fast_rate_that_come_one_by_one_are_booked_at_once():
    fast = ScopeCost("app|account|1|", Rate(200, 1))
    for number in range(10):
        now = NOON + number * SECOND / 50
        assert reserve_delayable(Demand((fast,), 1), now=now)[0].call_times == (now,)


@pytest.mark.parametrize("quota", [Rate(45, 1), Rate(300, 60)])
def test_calls_of_a_slow_rate_are_booked_ahead_so_that_the_pump_is_in_time(quota):
    slow = ScopeCost("x|account|1|", quota)
    moments = [NOON + number * 0.3 * SECOND for number in range(10)]
    answers = [(at, *reserve_delayable(Demand((slow,), 1), now=at)) for at in moments]
    ahead = [(at, answer) for at, answer in answers if not answer.can_be_delayed]
    assert ahead
    assert all(answer.call_times[0] >= at + 0.05 * SECOND for at, answer in ahead)


@pytest.mark.parametrize("quota", [Rate(1, 1), Rate(49, 60)])
def test_calls_of_a_small_rate_are_sent_at_their_booked_times(quota):
    (answer,) = reserve_delayable(Demand((ScopeCost("x|method|1|m", quota),), 1))
    assert not answer.can_be_delayed
    assert answer.call_times == (NOON + 0.05 * SECOND,)


def test_a_demand_that_waits_delays_no_booking_of_scopes_with_room():
    full, roomy = ScopeCost("x|channel|1|c", Rate(1, 1)), ScopeCost("x|app||", Rate(10_000, 1))
    waiting, free = reserve_delayable(Demand((full, roomy), 5), Demand((roomy,), 5))
    assert (len(waiting.call_times), waiting.can_be_delayed) == (1, False)
    assert (free.call_times, free.can_be_delayed) == ((NOON,) * 5, True)


def test_a_call_is_not_delayed_into_the_next_window_of_a_budget():
    day, rate = ScopeCost("x|account|1|", Budget(100)), ScopeCost("x|app||", Rate(1_000, 1))
    reserve_scopes(day)
    QuotaState.objects.filter(key=day.key).update(window_ends=NOON + 2 * SECOND)
    (answer,) = reserve_delayable(Demand((day, rate), 1))
    assert (len(answer.call_times), answer.can_be_delayed) == (1, False)


class DelayingCaller:
    """Sends the calls of one rate as early as it allows, but the delayed ones all at one moment."""

    def __init__(self, quota, delayed_to):
        self.scope, self.delayed_to = ScopeCost("x|app||", quota), delayed_to
        self.snapshots, self.sent_at = {self.scope.key: QuotaSnapshot()}, []

    def send(self, calls, *, now):
        booking = Booking.of(Demand((self.scope,), calls), self.snapshots)
        booking.granted_calls = calls
        no_capacity = InFlightCapacity({}, {}, {}, {})
        CallBooker(
            [booking], self.snapshots, no_capacity, now, 0.05 * SECOND, now + SECOND, can_delay=True
        ).book_calls([booking])
        latest = now + SEND_DELAY if booking.can_be_delayed else now
        delayed_to = min(latest, self.delayed_to)
        self.sent_at += [max(at, delayed_to) for at in booking.call_times]


@given(
    quota=st.builds(Rate, st.integers(50, 400), st.sampled_from([1, 2, 5])),
    sizes=st.lists(st.integers(1, 5), min_size=1, max_size=5),
)
def test_no_window_holds_more_than_the_limit_however_long_calls_are_delayed(quota, sizes):
    caller = DelayingCaller(quota, delayed_to=NOON + 4 * SECOND)
    for number in range(600):
        now = NOON + SECOND + number * timedelta(seconds=8 / 600)
        caller.send(sizes[number % len(sizes)], now=now)
    assert most_in_a_window(caller.sent_at, quota.per_seconds * SECOND) <= quota.limit
