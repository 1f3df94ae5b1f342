"""Counts that only grow."""

import pytest

from hub.metrics import counters
from tests.hub.metrics.stored_counts import counts_by_label

pytestmark = pytest.mark.django_db


def test_what_is_added_adds_up():
    counters.add_counts({("attempts", "delivered"): 3, ("lease_losses", ""): 1})
    counters.add_counts({("attempts", "delivered"): 2, ("attempts", "unknown"): 1})
    assert counts_by_label("attempts") == {"delivered": 5, "unknown": 1}
    assert counts_by_label("lease_losses") == {"": 1}


def test_nothing_to_add_asks_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        counters.add_counts({("lease_losses", ""): 0})
        counters.add_counts({})
    assert counts_by_label("lease_losses") == {}
