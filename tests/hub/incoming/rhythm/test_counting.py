"""Items are counted once each, by the sweep."""

import uuid
from datetime import timedelta

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from hub.connections.models import Connection
from hub.db.ids import smallest_id_at
from hub.incoming.models import InboundItem, InboundSource, RhythmDay, SourceRhythm
from hub.incoming.rhythm import counting
from hub.incoming.rhythm.counting import count_new_items
from tests.factories import NOON

pytestmark = pytest.mark.django_db

TYPE = "pipedrive.person.changed"
LATE = NOON + timedelta(minutes=2)


@pytest.fixture
def connection(make):
    connection = make.connection(connector="pipedrive", account="701", secret={})
    make.source(connection, "person")
    return connection


@pytest.fixture
def receive(make, connection):
    """Store an item that was inserted when it arrived."""

    def receive(now=NOON, *, at=None, type=TYPE, **fields):
        id = uuid.UUID(int=smallest_id_at(at or now).int + InboundItem.unscoped.count())
        return make.inbound_item(connection, now=now, type=type, public_id=id, **fields)

    return receive


def count_all():
    """Return the counts by type, day and hour."""
    rows = RhythmDay.unscoped.select_related("rhythm")
    return {
        (row.rhythm.type, row.day.isoformat(), name): getattr(row, name)
        for row in rows
        for name in counting.HOURS
        if getattr(row, name)
    }


def test_items_are_counted_by_type_day_and_hour_of_utc(receive):
    midnight = NOON.replace(hour=0)
    receive(midnight - timedelta(seconds=1), at=NOON)
    receive(midnight, at=NOON)
    receive(NOON)
    receive(NOON, type="pipedrive.person.created")
    count_new_items(now=LATE)
    today, yesterday = midnight.date().isoformat(), (midnight - timedelta(1)).date().isoformat()
    assert count_all() == {
        (TYPE, yesterday, "h23"): 1,
        (TYPE, today, "h00"): 1,
        (TYPE, today, f"h{NOON.hour}"): 1,
        ("pipedrive.person.created", today, f"h{NOON.hour}"): 1,
    }


def test_counts_are_added_and_no_item_counts_twice(receive):
    receive()
    count_new_items(now=LATE)
    count_new_items(now=LATE + timedelta(minutes=1))
    receive()
    count_new_items(now=LATE + timedelta(minutes=2))
    assert sum(count_all().values()) == 2


def test_an_item_that_may_have_unseen_neighbours_waits(receive):
    receive()
    receive(at=LATE - timedelta(seconds=80))
    receive()  # its id is higher, although it is older
    count_new_items(now=LATE)
    assert sum(count_all().values()) == 1
    count_new_items(now=LATE + timedelta(minutes=1))
    assert sum(count_all().values()) == 3


@pytest.mark.parametrize("fields", [{"is_read": True}, {"state": "echo"}, {"type": ""}])
def test_what_no_webhook_of_theirs_reported_is_not_counted(receive, fields):
    receive(**fields)
    count_new_items(now=LATE)
    assert count_all() == {}
    assert InboundSource.unscoped.get().heard_at is None


def test_source_and_rhythm_know_their_newest_item(receive):
    receive(NOON)
    receive(NOON - timedelta(hours=3), at=NOON)
    count_new_items(now=LATE)
    rhythm = SourceRhythm.unscoped.get()
    assert (rhythm.last_item_at, rhythm.source.heard_at) == (NOON, NOON)
    receive(LATE)
    count_new_items(now=LATE + timedelta(minutes=2))
    rhythm = SourceRhythm.unscoped.get()
    assert (rhythm.last_item_at, rhythm.source.heard_at) == (LATE, LATE)


def test_a_type_without_a_source_has_no_rhythm(receive):
    receive(type="pipedrive.deal.changed")
    count_new_items(now=LATE)
    assert not SourceRhythm.unscoped.exists()


def test_a_sender_that_invents_types_gets_forty_rhythms(make):
    sender = make.connection(connector="signed_webhook", account="", secret={})
    make.source(sender, "")
    first = smallest_id_at(NOON).int
    for number in range(45):
        id = uuid.UUID(int=first + number)
        make.inbound_item(sender, type=f"signed_webhook.type{number:02}", public_id=id)
    count_new_items(now=LATE)
    assert SourceRhythm.unscoped.count() == 40
    assert InboundSource.unscoped.get().heard_at == NOON


def test_a_source_hears_types_that_are_too_many_to_be_counted(make):
    sender = make.connection(connector="signed_webhook", account="", secret={})
    source = make.source(sender, "", heard_at=NOON - timedelta(days=1))
    rows = [
        SourceRhythm(
            source=source, connection=sender, type=f"t{n}", first_day=NOON.date(), last_item_at=NOON
        )
        for n in range(40)
    ]
    SourceRhythm.unscoped.bulk_create(rows)
    id = uuid.UUID(int=smallest_id_at(NOON).int)
    make.inbound_item(sender, type="signed_webhook.other", public_id=id)
    count_new_items(now=LATE)
    source.refresh_from_db()
    assert (source.heard_at, SourceRhythm.unscoped.count()) == (NOON, 40)


def test_items_of_a_connector_that_was_removed_hinder_no_others(receive, make):
    receive()
    removed = receive(type="former.thing.changed")
    InboundItem.unscoped.filter(pk=removed.pk).update(connector_key="former")
    count_new_items(now=LATE)
    assert SourceRhythm.unscoped.get().type == TYPE


def test_a_backlog_is_counted_sweep_by_sweep(receive):
    for _ in range(5):
        receive()
    for total in (2, 4, 5):
        count_new_items(at_once=2, now=LATE)
        assert sum(count_all().values()) == total


def test_many_sources_are_counted_in_as_many_statements_as_one(make):
    for number in range(30):
        account = make.connection(connector="pipedrive", account=str(number), secret={})
        make.source(account, "person", state="quiet")
        id = uuid.UUID(int=smallest_id_at(NOON).int + number)
        make.inbound_item(account, type=TYPE, public_id=id)
    count_new_items(now=LATE)
    for account in Connection.unscoped.filter(connector_key="pipedrive"):
        id = uuid.UUID(int=smallest_id_at(LATE).int + account.pk)
        make.inbound_item(account, now=LATE, type=TYPE, public_id=id)
    with CaptureQueriesContext(database) as statements:
        count_new_items(now=LATE + timedelta(minutes=2))
    assert len(statements) <= 11
    assert set(InboundSource.unscoped.values_list("heard_at", "state")) == {(LATE, "listening")}
    assert RhythmDay.unscoped.filter(h12=2).count() == 30


def test_a_sweep_without_new_items_opens_no_transaction(receive, django_assert_num_queries):
    receive()
    count_new_items(now=LATE)
    with django_assert_num_queries(1):
        count_new_items(now=LATE + timedelta(seconds=10))
    with django_assert_num_queries(2):
        count_new_items(now=LATE + timedelta(seconds=40))
