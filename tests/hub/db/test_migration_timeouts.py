"""Migrations of large tables take as long as they take."""

import pytest
from django.core.management.sql import emit_post_migrate_signal, emit_pre_migrate_signal
from django.db import connection

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor == "sqlite", reason="it has no such limits"),
]


def limits():
    with connection.cursor() as cursor:
        names = ("statement_timeout", "idle_in_transaction_session_timeout", "lock_timeout")
        return [cursor.execute(f"SHOW {name}").fetchone()[0] for name in names]


def test_time_limits_are_lifted_for_migrations_alone():
    before = limits()
    emit_pre_migrate_signal(0, False, "default")
    during = limits()
    emit_post_migrate_signal(0, False, "default")
    assert (before, during, limits()) == (["1min", "20s", "10s"], ["0", "0", "10s"], before)
