"""What the checker counts."""

import pytest

from bench import checker
from bench.sink.client import Arrival


def came(*ids):
    return [Arrival(float(moment), id, "/ok/0") for moment, id in enumerate(ids)]


def test_what_was_promised_and_never_came_is_lost():
    assert checker.lost_ids(["a", "b"], came("b", "c")) == {"a"}


def test_each_request_beyond_the_first_of_an_id_is_an_extra_send():
    arrivals = came("a", "b", "a", "a")
    assert (checker.extra_sends(arrivals), checker.most_sends(arrivals)) == (2, 3)


def test_only_the_first_time_counts_for_the_order():
    assert checker.order_breaks(["a", "b", "c"], came("a", "c", "a", "b", "c")) == 1


def test_a_window_may_begin_at_any_moment():
    moments = [0.9, 1.1, 1.2, 3.0]
    assert checker.most_in_window(moments, 1.0) == 3
    assert checker.breaches(moments, 2, 1.0) == 1


def test_a_window_does_not_hold_its_end():
    assert checker.breaches([0.0, 1.0, 2.0], 1, 1.0) == 0


def test_use_is_counted_after_the_first_window():
    assert checker.used_share([0, 10, 11, 12, 20], 2, 10, begin=0, end=30) == 1.0


@pytest.mark.parametrize(("kills", "count"), [([0.5], 0), ([1.5], 1), ([], 1)])
def test_only_a_kill_soon_after_the_first_send_excuses_a_second_one(kills, count):
    unexcused = checker.find_unexcused_sends(
        came("a", "b", "a"), kills_of=lambda arrival: kills, settled_within=1
    )
    assert len(unexcused) == count


@pytest.mark.parametrize(("outage", "count"), [((0.5, 1.0), 0), ((1.5, 3.0), 1)])
def test_a_send_while_the_database_was_away_excuses_a_second_one(outage, count):
    again = came("a", "b", "a")
    unexcused = checker.find_unexcused_sends(
        again, kills_of=lambda arrival: [], outages=[outage], settled_within=1
    )
    assert len(unexcused) == count


def test_a_wait_counts_from_when_it_was_accepted():
    arrivals = [Arrival(20.0, "a", "/"), Arrival(30.0, "b", "/")]
    assert checker.longest_wait({"a": 0.0, "b": 29.0}, arrivals) == 20.0


def test_a_second_send_counts_from_the_first():
    assert checker.longest_wait({"a": 0.0}, came("a", "b", "a")) == 2.0


def test_a_percentile_is_one_of_the_values():
    assert [checker.percentile([3, 1, 2, 4], share) for share in (0.5, 0.99)] == [2, 4]


def test_the_rate_is_from_the_first_to_the_last():
    assert checker.per_second(came("a", "b", "c")) == 1.0
