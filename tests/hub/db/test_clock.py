"""When the production clock reads the database's time."""

import math

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from hub.db.clock import DatabaseClock, clock

pytestmark = pytest.mark.django_db


def count_queries(clock):
    clock()
    with CaptureQueriesContext(database) as queries:
        for _ in range(3):
            clock()
    return len(queries)


def test_the_time_is_read_again_after_the_interval_only():
    assert count_queries(DatabaseClock(synchronize_every=3600.0)) == 0


def test_no_statement_that_a_test_counts_is_the_clocks_however_long_it_takes(make):
    assert clock.synchronize_every == math.inf
    assert count_queries(clock) == 0
