"""What a lock held up did not fail: it is processed again at once, and no attempt is counted."""

import sqlite3
from contextlib import contextmanager

import pytest
from django.db import OperationalError
from django.db import connection as database
from psycopg.errors import LockNotAvailable, QueryCanceled

from hub.audit import ActorContext
from hub.db.clock import clock
from hub.db.outages import is_database_away, is_database_busy
from hub.incoming.models import InboundItem, InboundMessage
from hub.incoming.processing.claim import MAX_ATTEMPTS
from hub.incoming.processing.replay import replay_item
from hub.outgoing.models import Event
from tests.hub.incoming.webhook_posts import post_pipedrive, run_inbox

pytestmark = pytest.mark.django_db(transaction=True)


def build_sqlite_error(code):
    cause = sqlite3.OperationalError("from SQLite")
    cause.sqlite_errorcode = code
    return build_error(cause)


def build_error(cause):
    error = OperationalError(str(cause))
    error.__cause__ = cause
    return error


@contextmanager
def inserts_of_events_wait_for_a_lock():
    """Let each insert of an event wait for too long: for a lock of another connection's, or as if
    SQLite's file was locked.
    """
    if database.vendor == "postgresql":
        with events_locked():
            yield
        return

    def refuse(execute, sql, params, many, context):
        if 'INSERT INTO "outgoing_event"' in sql:
            raise build_sqlite_error(sqlite3.SQLITE_BUSY)
        return execute(sql, params, many, context)

    with database.execute_wrapper(refuse):
        yield


@contextmanager
def events_locked():
    other = database.copy()
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("LOCK TABLE outgoing_event IN SHARE MODE")
        with database.cursor() as cursor:
            cursor.execute("SET lock_timeout = '20ms'")
        yield
    finally:
        other.rollback()
        other.close()
        with database.cursor() as cursor:
            cursor.execute("RESET lock_timeout")


@pytest.fixture
def pipedrive(make):
    return make.connection(connector="pipedrive", account="701", secret={})


def test_messages_that_a_lock_held_up_are_processed_at_once_and_were_not_tried(client, pipedrive):
    for number in range(2):
        post_pipedrive(client, pipedrive, id=f"change-{number}")
    now = clock()
    with inserts_of_events_wait_for_a_lock():
        for _ in range(MAX_ATTEMPTS + 1):
            run_inbox(now=now)
    states = InboundMessage.unscoped.values_list("attempt_count", "lease", "lease_until")
    assert set(states) == {(0, None, None)}

    run_inbox(now=now)
    assert Event.unscoped.count() == 2


def test_stored_items_that_a_lock_held_up_were_not_tried(client, pipedrive):
    post_pipedrive(client, pipedrive)
    run_inbox()
    replay_item(InboundItem.unscoped.get(), ActorContext.system(), now=clock())
    now = clock()
    with inserts_of_events_wait_for_a_lock():
        for _ in range(MAX_ATTEMPTS + 1):
            run_inbox(now=now, rounds=1)
    item = InboundItem.unscoped.get()
    assert (item.state, item.attempt_count) == ("received", 0)
    run_inbox(now=now)
    assert Event.unscoped.count() == 2


def test_a_database_is_away_only_if_its_connection_is_unusable():
    locked, slow = build_error(LockNotAvailable("lock")), build_error(QueryCanceled("time"))
    assert is_database_away(locked, is_usable=lambda: False)
    assert not is_database_away(locked, is_usable=lambda: True)
    assert not is_database_away(KeyError(), is_usable=lambda: False)
    assert (is_database_busy(locked), is_database_busy(slow)) == (True, False)
    assert is_database_busy(build_sqlite_error(sqlite3.SQLITE_BUSY))
    assert not is_database_busy(build_sqlite_error(sqlite3.SQLITE_ERROR))  # no such column
    assert not is_database_busy(KeyError())
