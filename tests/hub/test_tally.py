"""Counts that only grow."""

import pytest

from hub import tally
from hub.tally import by_label

pytestmark = pytest.mark.django_db


def test_what_is_added_adds_up():
    tally.add({("attempts", "delivered"): 3, ("lease_losses", ""): 1})
    tally.add({("attempts", "delivered"): 2, ("attempts", "unknown"): 1})
    assert by_label("attempts") == {"delivered": 5, "unknown": 1}
    assert by_label("lease_losses") == {"": 1}


def test_nothing_to_add_asks_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        tally.add({("lease_losses", ""): 0})
        tally.add({})
