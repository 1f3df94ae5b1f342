"""script/test means it when it says PostgreSQL."""

import os

from django.db import connection


def test_the_tests_run_on_the_database_that_was_named(db):
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    assert connection.vendor == os.environ["DATABASE_URL"].partition(":")[0]
