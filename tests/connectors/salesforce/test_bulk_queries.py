"""Query jobs: what is cheaper, what a job is asked, and how its results are read."""

import gzip
from dataclasses import replace

import pytest

from connectors.http import Response, Unreadable, dump_json
from connectors.roles import ReadJob
from connectors.salesforce.bulk.queries import RESULTS_BYTES, RecordsBulkRead
from tests.connectors.recorded import NOON, credential

BULK = RecordsBulkRead()
QUERY = {"object": "Order", "fields": "Name, total__c", "since": "2026-11-25T00:00:00Z"}
JOB = "750000000000001AAA"
TYPES = {"Id": "id", "Name": "text", "Total__c": "number", "Paid__c": "boolean", "At": "datetime"}
HEADER = '"Id","Name","Total__c","Paid__c","At"\n'
LATE = "2026-11-25T11:55:00.000+0000"


def results(text, *, count, locator="null", **more):
    headers = {"sforce-locator": locator, "sforce-numberofrecords": str(count)}
    return Response(200, text.encode(), headers, NOON, **more)


def parse(response):
    return BULK.parse_results(response, types=TYPES, query={"object": "Order"})


@pytest.mark.parametrize(
    ("count", "is_cheaper"), [(0, False), (2_001, False), (14_000, False), (14_001, True)]
)
def test_a_job_is_chosen_where_it_takes_fewer_calls_than_pages(count, is_cheaper):
    assert BULK.is_cheaper(count) is is_cheaper


def test_a_job_is_asked_for_all_that_follows_in_no_order():
    cursor = "006000000000009AAA@2026-11-25T01:00:00.000+0000"
    request = BULK.job_request(credential("salesforce"), cursor=cursor, query=QUERY)
    assert request.url.endswith("/jobs/query") and request.method == "POST"
    assert request.json["operation"] == "query"
    assert request.json["query"] == (
        "SELECT Name, total__c, Id, SystemModstamp FROM Order"
        " WHERE SystemModstamp >= 2026-11-25T00:00:00Z AND (SystemModstamp > 2026-11-25T01:00:00Z"
        " OR (SystemModstamp = 2026-11-25T01:00:00Z AND Id > '006000000000009AAA'))"
    )


def test_deleted_records_are_read_by_queryall():
    query = {"object": "Order", "fields": "Name", "deleted": "true"}
    request = BULK.job_request(credential("salesforce"), cursor="", query=query)
    assert request.json == {
        "operation": "queryAll",
        "query": "SELECT Name, Id, SystemModstamp, IsDeleted FROM Order",
    }


@pytest.mark.parametrize(
    ("created_at", "wait"),
    [("2026-11-25T11:59:59.000+0000", 30), (LATE, 300), ("2026-11-25T01:00:00Z", 600)],
)
def test_the_longer_a_job_runs_the_rarer_it_is_asked_for(created_at, wait):
    body = {"id": JOB, "state": "InProgress", "createdDate": created_at}
    assert BULK.parse_job(Response(200, dump_json(body), at=NOON)) == ReadJob(JOB, False, wait)


@pytest.mark.parametrize("state", ["Failed", "Aborted"])
def test_a_job_that_failed_says_why(state):
    body = {"id": JOB, "state": state, "errorMessage": "no such field"}
    outcome = BULK.parse_job(Response(200, dump_json(body), at=NOON))
    assert (outcome.kind, outcome.reason, outcome.detail) == (
        "never",
        "bulk_job_failed",
        "no such field",
    )


@pytest.mark.parametrize("id", ["../query", "", None, "75000000000000!"])
def test_the_id_of_a_job_is_an_id(id):
    with pytest.raises(Unreadable):
        BULK.parse_job(Response(200, dump_json({"id": id, "state": "InProgress"}), at=NOON))


def test_results_become_records_as_pages_have_them():
    row = f'"{JOB}","=cmd ""é"",\nb","12.10","false","2026-11-20T08:30:00.000Z"\n'
    page = parse(results(HEADER.lower() + row, count=1, locator="MTAw"))
    assert page.cursor == "MTAw" and page.is_complete
    assert page.records == [
        {
            "attributes": {"type": "Order"},
            "Id": JOB,
            "Name": '=cmd "é",\nb',
            "Total__c": 12.1,
            "Paid__c": False,
            "At": "2026-11-20T08:30:00.000+0000",
        }
    ]


def test_an_empty_value_is_null_and_long_numbers_keep_their_digits():
    text = HEADER + f'{JOB},,"12345678901234567.25","",""\n'
    (record,) = parse(results(text, count=1)).records
    assert str(record.pop("Total__c")) == "12345678901234567.25"
    record.pop("attributes")
    assert record == {"Id": JOB, "Name": None, "Paid__c": None, "At": None}


@pytest.mark.parametrize(
    ("text", "number"),
    [("1.6147805824397E13", 16147805824397), ("9.0E7", 90_000_000), ("-5.0E-4", -0.0005)],
)
def test_a_number_with_an_exponent_is_a_number(text, number):
    (record,) = parse(results(HEADER + f"{JOB},,{text},,\n", count=1)).records
    assert record["Total__c"] == number


def test_results_are_read_compressed_too():
    page = parse(replace(results("", count=0), body=gzip.compress(HEADER.encode())))
    assert (list(page.records), page.cursor, page.is_complete) == ([], "", True)


def test_a_page_with_fewer_records_than_announced_is_incomplete():
    page = parse(results(HEADER, count=3))
    assert (page.is_complete, page.reason) == (False, "fewer_records")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b'"Id","Name"\n',
        HEADER.encode() + b'"Ada\n',
        HEADER.encode() + b"1,2\n",
        HEADER.encode() + b"\xff,,,,\n",
        gzip.compress(HEADER.encode())[:-9],
        gzip.compress(b" " * (RESULTS_BYTES + 1)),
    ],
    ids=["nothing", "columns", "quote", "row", "bytes", "cut", "bomb"],
)
def test_what_is_no_page_of_results_is_refused(body):
    headers = {"sforce-locator": "null", "sforce-numberofrecords": "1"}
    with pytest.raises(Unreadable):
        parse(Response(200, body, headers))


@pytest.mark.parametrize("locator", ["", "a b", "x" * 201, "a\r\nb"])
def test_a_locator_has_only_visible_characters(locator):
    with pytest.raises(Unreadable):
        parse(results(HEADER, count=0, locator=locator))


def test_types_are_those_of_the_fields_that_are_read():
    fields = [
        ("Id", "id"),
        ("SystemModstamp", "datetime"),
        ("Name", "string"),
        ("Total__c", "double"),
    ]
    assert BULK.parse_types(describe(fields), QUERY) == {
        "Name": "text",
        "Total__c": "number",
        "Id": "id",
        "SystemModstamp": "datetime",
    }


@pytest.mark.parametrize("type", ["address", "location", ""])
def test_a_field_that_no_job_reads_leaves_the_read_to_pages(type):
    fields = [("Id", "id"), ("SystemModstamp", "datetime"), ("Name", "string")]
    fields += [("Total__c", type)] if type else []
    assert BULK.parse_types(describe(fields), QUERY) == {}


def describe(fields):
    common = {"createable": True, "updateable": True, "nillable": True, "defaultedOnCreate": False}
    entries = [common | {"name": name, "label": name, "type": type} for name, type in fields]
    body = {"name": "Order", "label": "Order", "createable": True, "fields": entries}
    return Response(200, dump_json(body))
