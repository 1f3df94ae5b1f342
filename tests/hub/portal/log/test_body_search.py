"""What stands inside of events: values anywhere in the data, and what an expression says of
them.
"""

import csv
import json
import time
from zoneinfo import ZoneInfo

import pytest

from hub.mappings.translate import Budget
from hub.outgoing.models import EventBody
from hub.portal.log.body_search import BodySearch, EventRow
from hub.portal.log.export import TRUNCATION_NOTE, export_rows, write_csv, write_ndjson
from hub.portal.log.pages import Cursor, Limits, build_page
from hub.portal.log.query import parse_log_query
from tests.factories import NOON
from tests.hub.outgoing.operating import copy_delivery

BODY = (
    b'{"id":"x-9","type":"t","data":{"list":[{"deep":"Needle"}],"number":42,"off":false,"none"'
    b":null}}"
)
HEAVY = "length(join('', map(&to_string(@), [data, data, data, data]))) > `0`"


@pytest.fixture
def search_body(make):
    tenant = make.tenant()
    row = EventRow(1, None, 1, "x-9", "order.created", NOON)
    return lambda **said: BodySearch.of(said, tenant, Budget()).matches_body(row, BODY)


@pytest.mark.django_db
def test_values_are_sought_everywhere_in_the_data_and_only_there(search_body):
    assert all(search_body(value=value) for value in ("needle", "42", "false"))
    assert not any(search_body(value=value) for value in ("x-9", "deep", "null"))


@pytest.mark.django_db
def test_an_expression_sees_what_a_filter_sees(search_body):
    assert search_body(where="data.number > `41` && type == 'order.created' && id == 'x-9'")
    assert not search_body(where="data.number > `42`") and not search_body(
        where="data.number > `41`", value="nowhere"
    )


@pytest.mark.django_db
@pytest.mark.corrections(item="1.5")
@pytest.mark.parametrize(
    "search", [{"value": "3456.78"}, {"where": "data.total == `1234567890123456.78`"}]
)
def test_an_amount_of_18_digits_is_found_by_all_its_digits(make, search):
    row = EventRow(1, None, 1, "x-9", "order.created", NOON)
    body = b'{"data":{"total":1234567890123456.78}}'
    assert BodySearch.of(search, make.tenant(), Budget()).matches_body(row, body)


@pytest.mark.django_db
def test_what_expressions_cost_is_bounded_for_a_page(make):
    first = make.delivery(make.connection(tenant := make.tenant()))
    copy_delivery(first, 30, state="held")
    log_query = parse_log_query({"where": HEAVY}, tenant, ZoneInfo("UTC"), now=NOON)
    assert len(build_page(tenant, log_query, Cursor()).rows) == 31
    page = build_page(tenant, log_query, Cursor(), Limits(steps=300))
    assert 0 < len(page.rows) < 31 and page.is_incomplete
    assert build_page(tenant, log_query, Cursor(after=page.older)).rows


LARGE = b'{"data":{"list":["needle"' + b",7" * 100_000 + b"]}}"


@pytest.fixture
def large(make):
    """Five events of 200 KB each; what is sought is found last in each."""
    first = make.delivery(make.connection(tenant := make.tenant()))
    copy_delivery(first, 4, state="held")
    EventBody.objects.update(body=LARGE)
    return tenant


def build_value_query(tenant, value):
    return parse_log_query({"value": value}, tenant, ZoneInfo("UTC"), now=NOON)


@pytest.mark.django_db
def test_what_looking_for_a_value_costs_is_bounded_for_a_page(large):
    page = build_page(large, build_value_query(large, "needle"), Cursor())
    assert 0 < len(page.rows) < 5 and page.is_incomplete
    started_at = time.thread_time()
    build_page(large, build_value_query(large, "nowhere"), Cursor())
    assert time.thread_time() - started_at < 1


@pytest.mark.django_db
def test_pages_that_ended_for_their_cost_miss_no_event(large):
    cursor, rows = Cursor(), []
    while True:
        page = build_page(large, build_value_query(large, "needle"), cursor)
        rows += page.rows
        if page.older is None:
            break
        cursor = Cursor(after=page.older)
    assert len({row.pk for row in rows}) == len(rows) == 5


@pytest.mark.django_db
def test_all_pages_of_an_export_share_what_it_may_cost(large):
    lines = list(export_rows(large, build_value_query(large, "needle"), steps=500_000))
    assert 0 < len(lines) < 6 and lines[-1] is None
    assert [json.loads(row) for row in write_ndjson(iter(lines))][-1] == {"cut": TRUNCATION_NOTE}
    assert list(csv.reader(write_csv(iter(lines))))[-1] == [TRUNCATION_NOTE]


@pytest.mark.django_db
def test_an_export_that_is_complete_says_nothing_more(large):
    lines = list(export_rows(large, build_value_query(large, "needle")))
    assert len(lines) == 5 and None not in lines
