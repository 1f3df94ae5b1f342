"""When the production clock reads the database's time."""

import asyncio
import math
from datetime import UTC, datetime, timedelta

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


def test_a_process_that_answers_before_its_first_reading_has_the_time_of_its_machine():
    async def read_in_an_event_loop():
        return DatabaseClock(synchronize_every=3600.0)()

    assert abs(asyncio.run(read_in_an_event_loop()) - datetime.now(UTC)) < timedelta(minutes=1)
