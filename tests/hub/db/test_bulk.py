"""Many rows in one statement, on both databases."""

import json
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.db import connection as database

from hub.db import bulk
from hub.outgoing.models import Delivery, Event, Exchange, Rendering
from tests.factories import NOON

pytestmark = pytest.mark.django_db
LEASE = uuid4()


def test_rows_are_inserted_with_every_kind_of_value():
    ids = [uuid4(), uuid4()]
    columns = {
        "id": ids,
        "at": [NOON, NOON],
        "method": ["POST", "GET"],
        "url": ["https://example.com/ü", "https://example.com/'%s"],
        "request_headers": [{"a": "ü"}, {}],
        "request_body": [b"\0\xff", b""],
        "status": [200, None],
        "response_headers": [{}, {}],
        "response_body": [b"x" * 100_000, b""],
        "error": ["", "timed_out"],
    }
    bulk.insert_rows(Exchange, columns)
    first, second = (Exchange.objects.get(pk=pk) for pk in ids)
    assert (first.at, first.url, first.request_headers) == (
        NOON,
        "https://example.com/ü",
        {"a": "ü"},
    )
    assert (bytes(first.request_body), len(first.response_body)) == (b"\0\xff", 100_000)
    assert (second.status, second.url, second.error) == (
        None,
        "https://example.com/'%s",
        "timed_out",
    )


def test_a_field_that_is_null_in_all_rows_is_null():
    bulk.insert_rows(
        Rendering,
        {
            "delivery_id": [1, 2],
            "body": [b"a", b"b"],
            "version_id": [None, None],
            "ticket": ["", ""],
        },
    )
    assert list(Rendering.objects.values_list("version_id", flat=True)) == [None, None]


def test_no_rows_are_no_statement(django_assert_num_queries):
    with django_assert_num_queries(0):
        bulk.insert_rows(Rendering, {"delivery_id": [], "body": []})
        assert bulk.update_rows(Delivery, [], {"state": []}, only={"lease": LEASE}) == 0


def test_only_rows_that_are_as_they_should_be_are_changed(make):
    connection = make.connection()
    delivery, theirs = make.delivery(connection), make.delivery(connection)
    Delivery.unscoped.filter(pk=delivery.pk).update(state="sending", lease=LEASE)
    Delivery.unscoped.filter(pk=theirs.pk).update(state="sending", lease=uuid4())
    changes = {"state": ["delivered", "delivered"], "due_at": [None, NOON], "lease": [None, None]}
    assert (
        bulk.update_rows(
            Delivery, [delivery.pk, theirs.pk], changes, only={"state": "sending", "lease": LEASE}
        )
        == 1
    )
    delivery.refresh_from_db()
    theirs.refresh_from_db()
    assert (delivery.state, delivery.due_at, delivery.lease, theirs.state) == (
        "delivered",
        None,
        None,
        "sending",
    )


def test_each_row_gets_its_own_values(make):
    connection = make.connection()
    deliveries = [make.delivery(connection) for _ in range(3)]
    moments = [datetime(2026, 11, 25, hour, tzinfo=UTC) for hour in (13, 14, 15)]
    keys = [delivery.pk for delivery in deliveries]
    bulk.update_rows(
        Delivery, keys, {"due_at": moments, "detail": ["a", "b", "c"]}, only={"state": "waiting"}
    )
    assert list(Delivery.unscoped.order_by("pk").values_list("due_at", "detail")) == list(
        zip(moments, "abc", strict=True)
    )


def test_what_the_database_refuses_is_djangos_error(make):
    with pytest.raises(DatabaseError):
        bulk.insert_rows(Rendering, {"delivery_id": [1, 1], "body": [b"", b""], "ticket": ["", ""]})


def test_json_goes_through_unchanged():
    value = {"text": 'quotes " and \\ and ü', "list": [1, None, True]}
    pk = uuid4()
    empty = {
        "request_body": [b""],
        "response_body": [b""],
        "error": [""],
        "url": [""],
        "method": ["GET"],
    }
    bulk.insert_rows(
        Exchange,
        {
            "id": [pk],
            "at": [NOON],
            "request_headers": [value],
            "response_headers": [{}],
            "status": [1],
        }
        | empty,
    )
    assert json.dumps(Exchange.objects.get(pk=pk).request_headers, sort_keys=True) == json.dumps(
        value, sort_keys=True
    )


def rendering(*keys):
    bulk.insert_rows(
        Rendering, {"delivery_id": keys, "body": [b""], "version_id": [None], "ticket": [""]}
    )


def test_what_is_inserted_together_is_there():
    with transaction.atomic(), bulk.insert_pipeline():
        rendering(1)
        rendering(2)
    assert Rendering.objects.count() == 2


def test_an_error_of_what_is_inserted_together_undoes_all_of_it():
    with pytest.raises(IntegrityError), transaction.atomic(), bulk.insert_pipeline():
        rendering(1)
        rendering(1)
    assert not Rendering.objects.exists()


def test_of_rows_that_may_exist_only_new_ones_are_returned(make):
    event = make.event()
    columns = bulk.column_values(
        Event, [Event(tenant=event.tenant, accepted_at=NOON, occurred_at=NOON) for _ in range(3)]
    )
    columns |= {"source": [event.source] * 3, "sender_id": ["new", event.sender_id, "newer"]}
    inserted_rows = bulk.insert_missing_rows(Event, columns, ("sender_id", "id"))
    kept = Event.unscoped.exclude(pk=event.pk).order_by("pk").values_list("sender_id", "pk")
    assert inserted_rows == list(kept) and len(inserted_rows) == 2


def test_more_rows_than_one_statement_holds_are_inserted(make):
    acme = make.tenant()
    events = [
        Event(tenant=acme, sender_id=str(n), accepted_at=NOON, occurred_at=NOON) for n in range(300)
    ]
    inserted_rows = bulk.insert_missing_rows(
        Event, bulk.column_values(Event, events), ("sender_id",)
    )
    assert [sender_id for (sender_id,) in inserted_rows] == [str(n) for n in range(300)]


def test_columns_in_which_all_rows_agree_are_written_as_those_in_which_they_do_not(make):
    connection = make.connection()
    keys = [make.delivery(connection).pk for _ in range(2)]
    for detail, due in ((["same", "same"], [NOON, NOON]), (["one", "other"], [NOON, None])):
        bulk.update_rows(
            Delivery, keys, {"detail": detail, "due_at": due, "possibly_delivered": [True, True]}
        )
        found = (
            Delivery.unscoped.filter(pk__in=keys)
            .order_by("pk")
            .values_list("detail", "due_at", "possibly_delivered")
        )
        assert list(found) == list(zip(detail, due, [True, True], strict=True))


@pytest.mark.skipif(
    database.vendor != "postgresql", reason="SQLite plans each statement when it comes"
)
def test_what_was_planned_for_a_small_table_is_planned_anew_when_it_has_grown():
    statement = "SELECT id FROM grown WHERE id = %s"
    with database.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE grown (id integer PRIMARY KEY) ON COMMIT DROP")
        cursor.execute("INSERT INTO grown VALUES (0)")
        cursor.execute("ANALYZE grown")
    for _ in range(20):
        bulk.fetch_rows(statement, [1])
    assert "Seq Scan" in plan_of("grown")
    with database.cursor() as cursor:
        cursor.execute("INSERT INTO grown SELECT generate_series(1, 50000)")
    for _ in range(bulk.STATEMENTS_PER_PLAN):
        bulk.fetch_rows(statement, [1])
    assert "grown_pkey" in plan_of("grown")


def plan_of(table):
    """How PostgreSQL would go about the prepared statement on this table."""
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT name FROM pg_prepared_statements WHERE statement LIKE %s",
            [f"SELECT id FROM {table} %"],
        )
        ((name,),) = cursor.fetchall()
        cursor.execute(f'EXPLAIN EXECUTE "{name}"(1)')
        return str(cursor.fetchall())
