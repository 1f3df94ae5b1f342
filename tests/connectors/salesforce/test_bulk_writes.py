"""Ingest jobs: when they pay, what CSV can express, and how their results are read."""

from dataclasses import replace
from decimal import Decimal

import pytest

from connectors.http import Response, Unreadable, dump_json
from connectors.roles import BulkForm, WriteJob
from connectors.salesforce.bulk.writes import BULK_WRITE, TEXT_MAX
from tests.connectors.recorded import NOON, credential

JOB = "751000000000001AAA"
FORM = BulkForm("upsert", "Lead", "External_Id__c")
UPSERT = {"object": "Lead", "external_id_field": "External_Id__c", "external_id": "A-1"}
UPDATE = {"object": "Lead", "record_id": "00Q000000000001AAA"}
HEADER = '"sf__Id","sf__Created","External_Id__c","LastName"\n'


def build(action, body, **fields):
    return BULK_WRITE.build_record(action, {**body, "fields": {"LastName": "Lovelace"} | fields})


def parse(text, **more):
    return BULK_WRITE.parse_results(Response(200, text.encode(), **more), FORM)


@pytest.mark.parametrize(
    ("count", "is_cheaper"),
    [(0, False), (2_000, False), (2_001, True), (10_000, True), (100_000, True)],
)
def test_a_job_is_chosen_beyond_2000_records_where_it_takes_fewer_calls(count, is_cheaper):
    assert BULK_WRITE.is_cheaper(count) is is_cheaper


def test_values_are_written_as_csv_spells_them():
    record = build("upsert", UPSERT, Amount=Decimal("1.10"), Paid__c=True, Title="", Phone=None)
    assert record.form == FORM and (record.key, record.identity) == ("A-1", "a-1")
    assert record.values == {
        "External_Id__c": "A-1",
        "LastName": "Lovelace",
        "Amount": "1.10",
        "Paid__c": "true",
        "Title": "#N/A",
    }


def test_an_update_names_its_record_by_id():
    record = build("update", UPDATE)
    assert record.form == BulkForm("update", "Lead", "Id")
    assert (record.values["Id"], record.identity) == ("00Q000000000001AAA", "00Q000000000001")


@pytest.mark.parametrize(
    "value", [{"Name": "Acme"}, ["a"], "#N/A", "\ud800", "a" * (TEXT_MAX + 1)], ids=range(5)
)
def test_what_csv_cannot_express_is_left_to_collections(value):
    assert build("upsert", UPSERT, Title=value) is None
    assert build("upsert", UPSERT, external_id__c="A-2") is None


def test_an_upload_has_the_columns_of_all_records():
    records = [build("upsert", UPSERT), build("upsert", UPSERT, Title='a "b",\n')]
    request = BULK_WRITE.upload_request(credential("salesforce"), JOB, records)
    assert request.method == "PUT" and request.url.endswith(f"/jobs/ingest/{JOB}/batches")
    assert request.all_headers()["Content-Type"] == "text/csv; charset=UTF-8"
    header, first, *_ = request.content().decode().split("\n")
    assert header == '"External_Id__c","LastName","Title"' and first == '"A-1","Lovelace",""'


def test_a_job_spends_a_quota_of_its_own():
    request = BULK_WRITE.job_request(credential("salesforce"), FORM)
    assert [scope.name for scope, _units in request.spends] == ["", "batches"]
    assert request.json["operation"] == "upsert"
    assert request.json["externalIdFieldName"] == "External_Id__c"
    update = BULK_WRITE.job_request(credential("salesforce"), replace(FORM, action="update"))
    assert "externalIdFieldName" not in update.json


@pytest.mark.parametrize(
    ("state", "expected"),
    [("Open", "open"), ("UploadComplete", "running"), ("Failed", "ended"), ("New", "running")],
)
def test_the_state_of_a_job_says_whether_it_has_results(state, expected):
    answer = {"id": JOB, "state": state, "createdDate": "2026-11-25T11:55:00.000+0000"}
    response = Response(200, dump_json(answer | {"numberRecordsFailed": 3}), at=NOON)
    assert BULK_WRITE.parse_job(response) == WriteJob(JOB, expected, 300, 3)


def test_written_and_refused_records_have_their_own_outcomes():
    written = parse(HEADER + '"00Q000000000001AAA","true","A-1","Lovelace"\n')["A-1"]
    assert (written.outcome.reference, written.outcome.created) == ("00Q000000000001AAA", True)
    assert written.line == '"00Q000000000001AAA","true","A-1","Lovelace"\n'
    error = "REQUIRED_FIELD_MISSING:Required fields: are missing:[Company] --"
    refused = parse(f'"sf__Id","sf__Error","External_Id__c"\n"","{error}","A-2"\n')["A-2"]
    assert (refused.outcome.kind, refused.outcome.reason) == ("never", "required_field_missing")
    assert refused.outcome.detail == "Required fields: are missing"


@pytest.mark.parametrize("text", ['"a"\n', HEADER + '"1","true"\n', HEADER + '"1'])
def test_results_that_cannot_be_read_settle_nothing(text):
    with pytest.raises(Unreadable):
        parse(text)
    with pytest.raises(Unreadable):
        parse(HEADER, is_truncated=True)
