"""A group of requests is stored in one transaction, each with its result."""

import time
import zlib
from datetime import timedelta

import pytest
from django.db import OperationalError, transaction
from django.db import connection as database

from hub.incoming.models import InboundBody, InboundCount, InboundMessage
from hub.incoming.receiving.accepted_messages import ReceivedMessage, insert_accepted
from hub.incoming.receiving.storage import store_messages
from tests.factories import NOON
from tests.hub.incoming.sources import make_sender

pytestmark = pytest.mark.django_db(transaction=True)
only_postgresql = pytest.mark.skipif(database.vendor == "sqlite", reason="has no server")


@pytest.fixture
def build(make, client):
    endpoint = make_sender(make, client, "pipedrive").endpoint

    def build_received(key, result="accepted", *, at=NOON):
        message = InboundMessage(
            endpoint=endpoint,
            connector_key="pipedrive",
            state="rejected",
            cause=result,
            received_at=at,
        )
        if result == "accepted":
            message.state, message.cause, message.message_key, message.due_at = result, "", key, at
        return ReceivedMessage(message, key.encode(), result)

    return build_received


def read_counts():
    counts = InboundCount.unscoped.values_list("minute", "cause", "count")
    return {(minute, cause): count for minute, cause, count in counts}


def read_bodies():
    """Return the stored bodies of accepted messages by message key."""
    keys = dict(InboundMessage.unscoped.filter(state="accepted").values_list("pk", "message_key"))
    bodies = InboundBody.objects.values_list("message_id", "body")
    return {keys[pk]: zlib.decompress(body) for pk, body in bodies}


def test_copies_in_one_group_are_stored_once(build):
    results = store_messages([build("1"), build("1"), build("1")])
    assert results == ["accepted", "duplicate", "duplicate"]
    assert store_messages([build("1")]) == ["duplicate"]
    assert read_bodies() == {"1": b"1"}
    assert read_counts() == {(NOON, "accepted"): 1, (NOON, "duplicate"): 3}


def test_a_group_may_contain_accepted_rejected_and_repeated_requests(build):
    before = NOON - timedelta(minutes=1)
    assert store_messages([build("1", at=before)]) == ["accepted"]
    group = [
        build("1"),
        build("2"),
        build("3", "wrong_secret"),
        build("4", "disconnected"),
        build("5"),
        build("2"),
    ]
    results = ["duplicate", "accepted", "wrong_secret", "disconnected", "accepted", "duplicate"]
    assert store_messages(group) == results
    assert read_bodies() == {"1": b"1", "2": b"2", "5": b"5"}
    assert InboundMessage.unscoped.filter(state="rejected").count() == 1
    assert read_counts() == {
        (before, "accepted"): 1,
        (NOON, "accepted"): 2,
        (NOON, "disconnected"): 1,
        (NOON, "duplicate"): 2,
        (NOON, "wrong_secret"): 1,
    }


@only_postgresql
def test_accepted_requests_are_one_round_trip_whatever_their_number_and_size(build, tmp_path):
    def count_round_trips(*keys):
        connection = database.connection.pgconn
        with (tmp_path / "trace").open("w") as trace:
            connection.trace(trace.fileno())
            insert_accepted([build(key) for key in keys], are_requests=True)
            connection.untrace()
        return (tmp_path / "trace").read_text().count("ReadyForQuery")

    count_round_trips("connects")
    assert count_round_trips("1") == count_round_trips("2", "3", "4" * 200, "2") == 1


@only_postgresql
def test_a_request_does_not_wait_long_for_a_lock(build):
    assert store_messages([build("0")]) == ["accepted"]
    other = database.copy("other")
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("UPDATE incoming_inboundcount SET count = count")
        started_at = time.monotonic()
        with pytest.raises(OperationalError, match="lock timeout"):
            store_messages([build("1")])
        assert time.monotonic() - started_at < 1.5
    finally:
        other.rollback()
        other.close()
    assert read_bodies() == {"0": b"0"}
    with database.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("10s",)
    assert store_messages([build("1")]) == ["accepted"]


@only_postgresql
def test_a_request_is_stored_though_the_database_has_ended_an_idle_connection(build):
    database.ensure_connection()
    end_backend(database.connection.info.backend_pid)
    database.close_if_unusable_or_obsolete()  # as at the start of each request
    assert store_messages([build("1")]) == ["accepted"]


def end_backend(pid):
    other = database.copy("other")
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    finally:
        other.close()


def test_nothing_of_a_group_is_stored_if_a_part_cannot_be(build):
    group = [build("1"), build("2", "wrong_secret")]
    group[1].message.size = -1
    with pytest.raises(Exception, match="size|constraint"), transaction.atomic():
        store_messages(group)
    assert read_bodies() == read_counts() == {}
