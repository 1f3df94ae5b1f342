"""What must be answered in time looks for SQLite's write lock all the time."""

import sqlite3
from contextlib import closing

import pytest
from django.db import connection as database

from hub.db.write_lock import LOOK_SECONDS, prompt_transaction

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.corrections(item="2.1"),
    pytest.mark.skipif(database.vendor != "sqlite", reason="its locks have queues"),
]


def read_busy_timeout():
    with database.cursor() as cursor:
        return cursor.execute("PRAGMA busy_timeout").fetchone()[0]


def test_a_prompt_transaction_begins_again_and_again_until_the_lock_is_free():
    usual, timeouts = read_busy_timeout(), []
    with closing(sqlite3.connect(database.settings_dict["NAME"], uri=True)) as other:
        other.execute("BEGIN IMMEDIATE")

        def end_at_the_third_attempt(execute, sql, params, many, context):
            if sql.startswith("BEGIN"):
                [(timeout,)] = database.connection.execute("PRAGMA busy_timeout")
                timeouts.append(timeout)
                if len(timeouts) == 3:
                    other.rollback()
            return execute(sql, params, many, context)

        with database.execute_wrapper(end_at_the_third_attempt), prompt_transaction():
            assert database.in_atomic_block
    assert timeouts == [LOOK_SECONDS * 1000] * 3
    assert read_busy_timeout() == usual == 20_000


def test_a_prompt_transaction_within_another_is_a_part_of_it():
    with prompt_transaction(), prompt_transaction():
        assert database.in_atomic_block
    assert not database.in_atomic_block
