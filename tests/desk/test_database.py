"""script/test means it when it says PostgreSQL."""

import os

from django.db import connection


def test_the_tests_run_on_the_database_that_was_named(db):
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    scheme = {"postgresql": "postgres", "sqlite": "sqlite"}[connection.vendor]
    assert os.environ["DATABASE_URL"].startswith(scheme)
