"""Queries of Salesforce: records, sums and their pages."""

from datetime import UTC, datetime
from urllib.parse import unquote

import pytest

from connectors.conditions import Condition, write_conditions
from tests.connectors.recorded import NOON, credential
from tests.connectors.salesforce.examples import AGGREGATE, LISTED, RECORDS


def query(cursor="", **parameters):
    return RECORDS.page_request(credential("salesforce"), at=NOON, cursor=cursor, **parameters)


def soql_of(request):
    return unquote(request.url.partition("?q=")[2])


def test_a_query_is_built_from_parameters():
    request = query(
        object="Contact", fields="Id, Email", since="2026-11-25T13:00:00+01:00", LastName="O'Hara\\"
    )
    assert soql_of(request) == (
        "SELECT Id, Email, SystemModstamp FROM Contact WHERE LastName = 'O\\'Hara\\\\'"
        " AND SystemModstamp >= 2026-11-25T12:00:00Z ORDER BY SystemModstamp, Id LIMIT 2000"
    )
    assert request.response_bytes_max == 8 * 1024 * 1024


@pytest.mark.parametrize(
    "parameters",
    [
        {"object": "Contact WHERE", "fields": "Id"},
        {"object": "Contact", "fields": "Id FROM User--"},
        {"object": "Contact", "fields": "Id", "since": "2026-11-25T12:00:00"},
        {"object": "Contact", "fields": "Id", "since": "now()"},
        {"object": "Contact", "fields": "Id", "Name OR Id": "x"},
        {"object": "Contact", "fields": "Id", "cursor": "//evil.example/query/1"},
    ],
)
def test_a_query_takes_nothing_but_names_and_values(parameters):
    with pytest.raises(ValueError, match=r"\w"):
        query(**parameters)


@pytest.mark.corrections(item="1.1")
@pytest.mark.parametrize(
    ("type", "value", "literal"),
    [
        ("number", "-70418.50", "-70418.50"),
        ("date", "2026-11-09", "2026-11-09"),
        ("datetime", "2026-11-09T08:30:00+01:00", "2026-11-09T07:30:00Z"),
        ("text", "70418", "'70418'"),
        ("", "O'Hara", "'O\\'Hara'"),
    ],
)
def test_a_searched_value_is_quoted_by_the_type_of_its_field(type, value, literal):
    (parameters,) = RECORDS.find_queries(
        {"object": "Order__c", "fields": "Id"}, "Code__c", [value], since="", type=type
    )
    assert f"WHERE Code__c IN ({literal}) ORDER" in soql_of(query(**parameters))


@pytest.mark.corrections(item="1.1")
@pytest.mark.parametrize(("type", "value"), [("number", "1) OR Id != (2"), ("date", "today")])
def test_a_searched_value_is_nothing_but_a_value_of_its_type(type, value):
    (parameters,) = RECORDS.find_queries(
        {"object": "Order__c", "fields": "Id"}, "Code__c", [value], since="", type=type
    )
    with pytest.raises(ValueError, match=value[:4].replace(")", r"\)")):
        query(**parameters)


@pytest.mark.corrections(item="1.15")
def test_conditions_are_quoted_by_their_types_and_take_no_more_than_names():
    conditions = [
        Condition("OrderNumber", "not_null"),
        Condition("Owner.Name", "not_equal", ["O'Hara' OR Id != '"]),
        Condition("StageName", "in", ["Won", "Lost"]),
        Condition("Amount", "not_in", [5, 0.5, 1e21, True]),
    ]
    text = write_conditions(conditions)
    assert (
        "WHERE OrderNumber != null AND Owner.Name != 'O\\'Hara\\' OR Id != \\''"
        " AND StageName IN ('Won', 'Lost')"
        " AND Amount NOT IN (5, 0.5, 1000000000000000000000, true) ORDER"
    ) in soql_of(query(object="Opportunity", fields="Id", conditions=text))
    with pytest.raises(ValueError, match="not an API name"):
        query(object="A", fields="Id", conditions=write_conditions([Condition("Id OR Id", "null")]))


CURSOR = "003000000000002AAA@2026-11-25T12:00:02.000+0000"


def test_the_next_page_is_a_query_of_its_own_at_the_same_instance():
    request = query(CURSOR, object="Contact", fields="Id")
    assert request.url.startswith("https://acme.my.salesforce.com/services/data/v67.0/query?q=")
    assert soql_of(request).endswith("WHERE Id > '003000000000002AAA' ORDER BY Id LIMIT 2000")


def test_changes_are_read_in_the_order_of_their_time_and_id():
    request = query(CURSOR, object="Contact", fields="Id", since="2026-11-25T12:00:00Z")
    assert soql_of(request).endswith(
        "WHERE SystemModstamp >= 2026-11-25T12:00:00Z AND (SystemModstamp > 2026-11-25T12:00:02Z"
        " OR (SystemModstamp = 2026-11-25T12:00:02Z AND Id > '003000000000002AAA'))"
        " ORDER BY SystemModstamp, Id LIMIT 2000"
    )


def test_deleted_records_are_read_by_query_all():
    request = query(object="Contact", fields="Email", deleted="true", page_size="500")
    assert "/queryAll?q=SELECT%20Email%2C%20Id%2C%20SystemModstamp%2C%20IsDeleted" in request.url
    assert request.headers == {"Sforce-Query-Options": "batchSize=500"}


def test_single_records_are_read_by_their_ids():
    request = query(object="Contact", fields="Id", ids="003000000000001AAA,003000000000002AAA")
    assert "WHERE Id IN ('003000000000001AAA', '003000000000002AAA') ORDER" in soql_of(request)


def test_sums_are_built_from_parameters():
    request = AGGREGATE.page_request(
        credential("salesforce"),
        at=NOON,
        object="Order",
        select="Status, COUNT(Id) orders, SUM(TotalAmount) total",
        group_by="Status",
        date_field="EffectiveDate",
        since="2026-11-16",
        until="2026-11-23",
        Status="Activated",
    )
    assert soql_of(request) == (
        "SELECT Status, COUNT(Id) orders, SUM(TotalAmount) total FROM Order"
        " WHERE Status = 'Activated' AND EffectiveDate >= 2026-11-16 AND EffectiveDate < 2026-11-23"
        " GROUP BY Status LIMIT 2000"
    )


@pytest.mark.parametrize(
    "select", ["SUM(a) FROM User--", "", "SUM(SUM(a))", "(SELECT Id)", "a b c"]
)
def test_a_sum_takes_nothing_but_fields_and_functions(select):
    with pytest.raises(ValueError, match="neither"):
        AGGREGATE.page_request(credential("salesforce"), at=NOON, object="Order", select=select)


def test_what_a_record_says_of_itself():
    (record, *_) = LISTED
    assert RECORDS.record_id(record) == "003000000000001AAA"
    assert RECORDS.changed_at(record) == datetime(2026, 11, 25, 12, 0, 1, tzinfo=UTC)
    assert RECORDS.version(record) == "2026-11-25T12:00:01.000+0000"
    assert not RECORDS.is_deleted(record) and RECORDS.is_deleted({**record, "IsDeleted": True})


def test_a_query_may_end_at_a_moment():
    request = query(object="Contact", fields="Id", until="2026-11-25T12:00:00Z")
    assert "SystemModstamp%20%3C%202026-11-25T12%3A00%3A00Z" in request.url
