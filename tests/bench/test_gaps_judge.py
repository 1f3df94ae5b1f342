"""What the judge of `bench faults --only gaps` counts after kills."""

import pytest

from bench.faults.gaps import judge

RIGHT = [("1", "created", "a v1"), ("1", "updated", "a v002"), ("2", "deleted", "b v1")]


def find_wrong(changes):
    found = judge({"1": "a v002", "2": "b v1"}, {"2"}, changes)
    return [name for name, wrong in found.items() if wrong]


def test_a_last_state_and_a_deletion_as_one_event_each_are_right():
    assert find_wrong(RIGHT) == []


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        (RIGHT[:1] + RIGHT[2:], "lost"),
        (RIGHT[:2], "lost"),
        (RIGHT + RIGHT[1:2], "doubled"),
        ([*RIGHT, ("2", "deleted", "b v002")], "doubled"),
        ([*RIGHT, ("1", "updated", "a v001")], "order_breaks"),
    ],
)
def test_what_is_missing_repeated_or_out_of_order_is_counted(changes, name):
    assert find_wrong(changes) == [name]
