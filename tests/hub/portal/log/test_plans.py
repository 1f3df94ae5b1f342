"""On PostgreSQL, with many rows: no view of the log reads all deliveries there are."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from hub.connections.models import Connection
from hub.outgoing.models import Delivery
from hub.portal.log.pages import (
    Cursor,
    Limits,
    build_page,
    count_new_rows,
    filter_after_cursor,
    filter_log,
)
from hub.portal.log.query import parse_log_query
from tests.factories import NOON
from tests.hub.outgoing.operating import copy_delivery
from tests.shared_rows import shared_rows

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(database.vendor != "postgresql", reason="SQLite plans in another way"),
]
ASKED = [
    {},
    {"state": "delivered"},
    {"state": "failed"},
    {"state": "held"},
    {"state": "waiting"},
    {"state": "skipped"},
    {"reason": "exhausted"},
    {"reason": "paused"},
    {"state": "failed", "reason": "exhausted", "span": "24h"},
    {"span": "24h"},
    {"since": "2026-11-25T12:00", "until": "2027-11-25T12:00"},
    {"q": "nobody"},
]
NARROWED = [
    {"type": "order.created"},
    {"where": "data.number == 'A-2'"},
    {"type": "order.*"},
    {"type": "rare.one"},
    {"state": "failed", "type": "rare.*"},
]


@pytest.fixture(scope="module")
def big(django_db_setup, django_db_blocker):
    """A tenant with most of the rows, most of them delivered, and a small one."""
    with shared_rows(django_db_blocker) as make:
        yield make_many_deliveries(make)


def make_many_deliveries(make):
    tenant = make.tenant("big")
    connection = make.connection(tenant)
    for state, count in (
        ("delivered", 18_000),
        ("failed", 200),
        ("held", 200),
        ("skipped", 200),
        ("waiting", 200),
    ):
        copy_delivery(
            make.delivery(connection),
            count,
            state=state,
            reason="exhausted" if state == "failed" else "",
            due_at=NOON,
        )
    other = make.delivery(make.connection(make.tenant("small")))
    copy_delivery(other, 2_000, state="delivered")
    with database.cursor() as cursor:
        cursor.execute(
            "REINDEX TABLE outgoing_delivery"
        )  # what tests before undid lies in its indexes
        cursor.execute("ANALYZE")
    return tenant


def list_full_scans(rows):
    return [line for line in rows.explain().splitlines() if "Seq Scan on outgoing_delivery" in line]


@pytest.mark.parametrize("reference", ["big", "small"])
def test_what_is_found_by_indexes_reads_no_whole_table(big, reference):
    tenant = type(big).objects.get(reference=reference)
    later = Delivery.objects.of(tenant).order_by("pk").values_list("public_id", flat=True)[20]
    bad = {}
    for said in ASKED:
        log_query = parse_log_query(said, tenant, ZoneInfo("UTC"), now=NOON + timedelta(days=1))
        for cursor in (Cursor(), Cursor(after=later), Cursor(before=later)):
            rows = filter_after_cursor(filter_log(tenant, log_query), cursor).order_by(
                "pk" if cursor.before else "-pk"
            )[: Limits().rows + 1]
            if found := list_full_scans(rows):
                bad[str((said, cursor))] = found
    assert bad == {}


def test_what_is_narrowed_reads_no_whole_table_either(big):
    with CaptureQueriesContext(database) as queries:
        for said in (*NARROWED, {"connection": str(Connection.objects.of(big).get().public_id)}):
            log_query = parse_log_query(said, big, ZoneInfo("UTC"), now=NOON)
            build_page(big, log_query, Cursor())
            count_new_rows(big, log_query, None, Limits(), 100)
    for query in queries.captured_queries:
        with database.cursor() as cursor:
            cursor.execute("EXPLAIN " + query["sql"])
            assert not [
                row for (row,) in cursor.fetchall() if "Seq Scan on outgoing_delivery" in row
            ], query["sql"]
