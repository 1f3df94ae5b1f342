"""Scopes are taken together or not at all, and answers say when."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.wire import Budget, Rate
from hub.throttle.answers import Told, correct, pause, reopen
from hub.throttle.holders import Rooms
from hub.throttle.models import QuotaState
from hub.throttle.pace import Standing
from hub.throttle.reserve import Book, Demand, Spent, reserve
from tests.makers import MINUTE, NOON

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)
HOUR = 60 * MINUTE
CHANNEL = Spent("slack|channel|T1|C1", Rate(1, 1))
METHOD = Spent("slack|method|T1|chat.postMessage", Rate(300, 60))
HOOK = Spent("webhook|connection|#1|", None)
DAY = Spent("salesforce|account|00D|", Budget(100_000))


def ask(*scopes, calls=1, now=NOON, horizon=SECOND, low_priority=False):
    (answer,) = reserve([Demand(scopes, calls, low_priority=low_priority)], now=now, horizon=horizon)
    return answer


def test_a_channel_takes_one_message_a_second():
    answer = ask(CHANNEL, METHOD, calls=5)
    assert answer.at == (NOON,)
    assert SECOND < answer.again - NOON < 1.2 * SECOND


def test_what_is_booked_is_booked_for_everybody():
    ask(CHANNEL)
    assert ask(CHANNEL).at == ()


def test_a_scope_that_is_not_free_spends_nothing_of_the_others():
    ask(CHANNEL)
    before = QuotaState.objects.get(key=METHOD.key).free_at if ask(METHOD).at else None
    assert ask(CHANNEL, METHOD).at == ()
    assert QuotaState.objects.get(key=METHOD.key).free_at == before


def test_who_waits_for_a_scope_of_its_own_delays_no_other():
    slow, method = Spent("x|channel|1|slow", Rate(2, 1)), Spent("x|method|1|m", Rate(100, 10))
    waits, other = reserve([Demand((slow, method), 2), Demand((method,), 3)], now=NOON, horizon=SECOND)
    assert waits.at[1] > NOON + 0.5 * SECOND
    assert other.at[2] < NOON + 0.4 * SECOND


def test_demands_take_turns_at_what_they_share():
    shared = Spent("x|app||", Rate(500, 1))
    first, second = reserve(
        [Demand((shared, Spent(f"x|channel|1|{name}", None)), 9) for name in "ab"], now=NOON, horizon=timedelta(0)
    )
    assert (len(first.at), len(second.at)) == (5, 5)


def test_of_demands_with_ranks_the_lowest_goes_first():
    shared = Spent("x|app||", Rate(100, 10))  # two at once
    late, early = reserve(
        [
            Demand((shared, Spent("x|channel|1|b", None)), 2, ranks=(2, 3)),
            Demand((shared, Spent("x|channel|1|a", None)), 2, ranks=(0, 1)),
        ],
        now=NOON,
        horizon=timedelta(0),
    )
    assert (len(early.at), len(late.at)) == (2, 0)
    assert late.closed == {shared.key: late.again}


def test_no_row_is_made_for_what_is_not_limited(django_assert_max_num_queries):
    with django_assert_max_num_queries(1):
        assert ask(HOOK, calls=100).at == (NOON,) * 100
    assert not QuotaState.objects.exists()


def test_a_429_pauses_even_what_is_not_limited_and_one_probe_reopens_it():
    pause(HOOK.key, until=NOON + MINUTE, now=NOON)
    assert ask(HOOK, calls=3).again == NOON + MINUTE
    assert len(ask(HOOK, calls=3, now=NOON + MINUTE).at) == 1
    assert reopen({HOOK.key: NOON + MINUTE}) == [HOOK.key]
    assert len(ask(HOOK, calls=3, now=NOON + MINUTE).at) == 3


def test_of_two_pauses_the_one_that_ends_later_counts():
    pause(HOOK.key, until=NOON + HOUR, now=NOON)
    pause(HOOK.key, until=NOON + MINUTE, now=NOON)
    assert QuotaState.objects.get().paused_until == NOON + HOUR
    pause(HOOK.key, until=NOON + 2 * HOUR, now=NOON)
    assert QuotaState.objects.get().paused_until == NOON + 2 * HOUR


def test_the_answer_to_a_probe_ends_the_pause_that_the_probe_made():
    pause(HOOK.key, until=NOON, now=NOON)
    (at,) = ask(HOOK).at
    pause(HOOK.key, until=NOON + SECOND, now=NOON, probed_at=at)
    assert QuotaState.objects.get().paused_until == NOON + SECOND


@pytest.mark.parametrize("ends", ["well", "throttled"])
def test_what_a_probe_finds_does_not_shorten_a_pause_that_began_meanwhile(ends):
    pause(HOOK.key, until=NOON, now=NOON)
    (at,) = ask(HOOK).at
    pause(HOOK.key, until=NOON + HOUR, now=NOON)
    if ends == "well":
        assert reopen({HOOK.key: at}) == []
    else:
        pause(HOOK.key, until=NOON + SECOND, now=NOON, probed_at=at)
    assert QuotaState.objects.get().paused_until == NOON + HOUR


def test_a_pause_that_cannot_be_meant_does_not_outlast_a_new_one():
    pause(HOOK.key, until=NOON + 1000 * HOUR, now=NOON)
    pause(HOOK.key, until=NOON + MINUTE, now=NOON)
    assert QuotaState.objects.get().paused_until == NOON + MINUTE


def test_a_probe_that_never_answers_lets_another_go_later():
    pause(HOOK.key, until=NOON, now=NOON)
    assert len(ask(HOOK, calls=9).at) == 1
    assert len(ask(HOOK, calls=9, now=NOON + MINUTE).at) == 1


def test_headers_correct_a_budget():
    ask(DAY)
    told = Told(DAY.quota, used=15000, limit=15000, window_ends=NOON + MINUTE)
    correct({DAY.key: told}, now=NOON)
    assert ask(DAY).again == NOON + MINUTE


def test_nothing_is_booked_beyond_the_end_of_a_budgets_window():
    both = (DAY, Spent("salesforce|method|00D|x", Rate(2, 2)))
    correct({key: Told(DAY.quota, 0, 10, NOON + 0.5 * SECOND) for key in [DAY.key] if ask(*both)}, now=NOON)
    QuotaState.objects.filter(key=DAY.key).update(window_ends=NOON + 0.5 * SECOND)
    assert ask(*both, calls=2).at == ()


def test_background_work_stops_where_the_share_of_live_work_begins(settings):
    settings.HUB_LIVE_SHARE = 0.2
    small = Spent("x|account|1|", Budget(10))
    assert len(ask(small, calls=10, low_priority=True).at) == 8
    assert len(ask(small, calls=10).at) == 2


def test_many_demands_take_a_fixed_number_of_statements(django_assert_num_queries):
    demands = [Demand((Spent(f"slack|channel|T1|C{number}", Rate(1, 1)), METHOD), 3) for number in range(30)]
    reserve(demands, now=NOON, horizon=SECOND)
    with django_assert_num_queries(4):  # savepoint, lock, write, release
        reserve(demands, now=NOON + MINUTE, horizon=SECOND)


UNITS = st.integers(1, 40)
SCOPES = st.sampled_from([("roomy",), ("roomy", "budget"), ("tight",), ("roomy", "tight"), ("paused", "roomy")])
QUOTAS = {"roomy": Rate(2_000, 1), "tight": Rate(100, 1), "budget": Budget(150), "paused": None}


@given(st.lists(st.tuples(SCOPES, UNITS, st.booleans()), max_size=6), st.integers(0, 3))
def test_what_fits_at_once_is_booked_as_it_would_be_call_after_call(demands, seconds):
    demands = [
        Demand(tuple(Spent(key, QUOTAS[key]) for key in keys), calls, low_priority=low_priority)
        for keys, calls, low_priority in demands
    ]
    standings = dict.fromkeys(QUOTAS, Standing()) | {
        "roomy": Standing(free_at=NOON + 0.01 * seconds * SECOND),
        "paused": Standing(paused_until=NOON + (seconds - 2) * SECOND),
    }
    books = [
        Book(demands, dict(standings), Rooms({}, {}, {}, {}), now=NOON, lead=0.02 * SECOND, until=NOON + SECOND)
        for _ in range(2)
    ]
    at_once, in_turn = books
    for book in books:
        book.known = [list(demand.scopes) for demand in demands]
        book.moments = [[] for _ in demands]
    at_once.take_turns(range(len(demands)))
    in_turn.book_in_turn(range(len(demands)))
    assert [sorted(moments) for moments in at_once.moments] == [sorted(moments) for moments in in_turn.moments]
    assert at_once.standings == in_turn.standings
