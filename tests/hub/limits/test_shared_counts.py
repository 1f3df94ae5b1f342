"""Counts of several processes never exceed a quota together, and cost no statement for each
request.
"""

from datetime import UTC, datetime, timedelta

import pytest

from hub.limits.exceeded import LimitExceeded
from hub.limits.models import LimitUsage
from hub.limits.shared_counts import GRANT_PARTS, MAX_SHARES, Charge, GrantCounters, add_usage

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def charge(amount=1, *, subject="tenant:a", name="requests", quota=600, seconds=60):
    return Charge(subject, name, amount, quota, seconds, "this key")


def can_spend(counts, *charges, now=NOON):
    try:
        counts.spend(charges or (charge(),), now=now)
    except LimitExceeded:
        return False
    return True


@pytest.mark.parametrize("quota", [1, 7, 600, 1000])
def test_processes_never_spend_more_than_the_quota_together(quota):
    processes = [GrantCounters() for _ in range(3)]
    granted = sum(
        can_spend(processes[turn % 3], charge(quota=quota)) for turn in range(quota + 100)
    )
    assert quota - 2 * (quota // GRANT_PARTS) <= granted <= quota
    assert sum(can_spend(counts, charge(quota=quota)) for counts in processes) == 0


def test_a_lonely_process_spends_all_of_it():
    counts = GrantCounters()
    assert sum(can_spend(counts, charge(quota=77)) for _ in range(200)) == 77


def test_a_request_seldom_asks_the_database(django_assert_num_queries):
    counts = GrantCounters()
    with django_assert_num_queries(6):
        assert all(can_spend(counts) for _ in range(60))


def test_what_is_granted_is_at_most_twice_what_was_spent_and_a_few():
    counts = GrantCounters()
    for number in (1, 9, 90, 900):
        assert all(can_spend(counts, charge(quota=600_000)) for _ in range(number))
        assert LimitUsage.objects.get().used <= 2 * (10 * number + 60)


def test_beyond_the_quota_the_database_is_not_asked_any_more(django_assert_num_queries):
    counts = GrantCounters()
    can_spend(counts, charge(600))
    with django_assert_num_queries(0):
        assert not any(can_spend(counts) for _ in range(50))


def test_the_next_window_begins_afresh():
    counts = GrantCounters()
    assert can_spend(counts, charge(600)) and not can_spend(
        counts, now=NOON + timedelta(seconds=59)
    )
    assert can_spend(counts, charge(600), now=NOON + timedelta(seconds=60))


def test_the_refusal_says_when_the_next_window_begins():
    counts, now = GrantCounters(), NOON + timedelta(seconds=17, milliseconds=500)
    with pytest.raises(LimitExceeded) as refused:
        counts.spend([charge(601)], now=now)
    assert refused.value.headers == {"Retry-After": "43"}
    assert refused.value.retry_at == NOON + timedelta(minutes=1)


def test_several_limits_are_spent_together_or_none():
    counts = GrantCounters()
    few, many = charge(quota=1, subject="tenant:a", name="events"), charge(10, name="bytes")
    assert can_spend(counts, few, many)
    before = [one.amount_left for one in counts.spend([charge(0, name="bytes")], now=NOON)]
    assert not can_spend(counts, few, many)
    assert [one.amount_left for one in counts.spend([charge(0, name="bytes")], now=NOON)] == before


def test_what_does_not_fit_leaves_room_for_less():
    counts = GrantCounters()
    assert (
        can_spend(counts, charge(500))
        and not can_spend(counts, charge(200))
        and can_spend(counts, charge(100))
    )


def test_another_quota_counts_at_once():
    counts = GrantCounters()
    assert can_spend(counts, charge(10, quota=10)) and not can_spend(counts, charge(quota=10))
    assert can_spend(counts, charge(quota=20))


def test_a_process_whose_clock_is_behind_counts_into_the_window_of_the_others():
    first, behind = GrantCounters(), GrantCounters()
    assert can_spend(first, charge(599))
    assert can_spend(behind, now=NOON - timedelta(milliseconds=1))
    assert not can_spend(behind, now=NOON - timedelta(milliseconds=1))


def test_a_window_far_ahead_is_overwritten():
    add_usage([(charge(), 600)], now=NOON + timedelta(hours=1))
    assert can_spend(GrantCounters(), charge(600))


def test_subjects_do_not_share_a_count():
    counts = GrantCounters()
    assert can_spend(counts, charge(600, subject="tenant:a")) and can_spend(
        counts, charge(600, subject="tenant:b")
    )


def test_a_process_forgets_unused_counts():
    counts = GrantCounters()
    stripe = counts.stripes[0]
    for number in range(MAX_SHARES + 2):
        stripe.begin_windows([charge(subject=f"tenant:{number}")], NOON)
    assert len(stripe.shares) < 10


def test_one_row_for_each_limit_of_a_subject_is_kept():
    for minute in range(3):
        can_spend(GrantCounters(), now=NOON + timedelta(minutes=minute))
    assert LimitUsage.objects.count() == 1
