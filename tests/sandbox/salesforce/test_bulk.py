"""Bulk API 2.0 of the simulated org, driven by simple-salesforce and by plain requests."""

import csv
import io

import pytest
from simple_salesforce.exceptions import SalesforceOperationError, SalesforceResourceNotFound

from tests.sandbox.salesforce_requests import LEAD, ORG, error, raw


def make_leads(desk, count):
    leads = [LEAD | {"External_Id__c": f"L-{number:03}"} for number in range(count)]
    body = {"system": "salesforce", "account": ORG, "object": "Lead", "records": leads}
    return desk.post("/_control/seed", json=body).json()["ids"]


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text)))


def create_job(desk, operation="insert", **more):
    body = {"object": "Lead", "operation": operation, **more}
    answer = raw(desk, "POST", "/jobs/ingest", json=body)
    assert (answer.status_code, answer.json()["state"]) == (200, "Open")
    return f"/jobs/ingest/{answer.json()['id']}"


def upload(desk, job, text):
    headers = {"Content-Type": "text/csv"}
    return raw(desk, "PUT", f"{job}/batches", data=text.encode(), headers=headers)


def set_state(desk, job, state):
    return raw(desk, "PATCH", job, json={"state": state})


def read_state(desk, job):
    return raw(desk, "GET", job).json()["state"]


def test_the_client_reads_all_pages_of_a_query(desk, org):
    make_leads(desk, 25)
    pages = list(
        org.bulk2.Lead.query("SELECT Id, External_Id__c FROM Lead", max_records=10, wait=0)
    )
    rows = [row for page in pages for row in rows_of(page)]
    assert [len(rows_of(page)) for page in pages] == [10, 10, 5]
    assert {row["External_Id__c"] for row in rows} == {f"L-{number:03}" for number in range(25)}


def test_results_spell_values_as_csv_does(desk, org):
    org.Opportunity.create(
        {"Name": "A-1", "StageName": "Closed Won", "CloseDate": "2026-12-01", "Amount": 5}
    )
    query = "SELECT Amount, IsDeleted, SystemModstamp, Description FROM Opportunity"
    (row,) = rows_of(next(org.bulk2.Opportunity.query(query, wait=0)))
    assert row == {
        "Amount": "5.0",
        "IsDeleted": "false",
        "SystemModstamp": "2026-11-25T12:00:00.000Z",
        "Description": "",
    }


def test_deleted_records_are_in_queryall_only(desk, org):
    first, *_ = make_leads(desk, 3)
    org.Lead.delete(first)
    query = "SELECT Id FROM Lead"
    assert len(rows_of(next(org.bulk2.Lead.query(query, wait=0)))) == 2
    assert len(rows_of(next(org.bulk2.Lead.query_all(query, wait=0)))) == 3


@pytest.mark.parametrize("query", ["SELECT COUNT(Id) n FROM Lead", "SELECT Id FROM Lead OFFSET 5"])
def test_a_query_that_jobs_do_not_support_is_refused(desk, query):
    answer = raw(desk, "POST", "/jobs/query", json={"operation": "query", "query": query})
    assert error(answer) == (400, "FUNCTIONALITY_NOT_ENABLED")


def test_a_query_job_passes_through_its_states(desk):
    job = raw(
        desk, "POST", "/jobs/query", json={"operation": "query", "query": "SELECT Id FROM Lead"}
    )
    path = f"/jobs/query/{job.json()['id']}"
    assert job.json()["state"] == "UploadComplete"
    assert error(raw(desk, "GET", f"{path}/results"))[0] == 400
    assert [read_state(desk, path) for _ in range(3)] == [
        "InProgress",
        "JobComplete",
        "JobComplete",
    ]
    results = raw(desk, "GET", f"{path}/results")
    assert results.headers["Sforce-Locator"] == "null"
    assert results.headers["Content-Encoding"] == "gzip"


def test_the_client_writes_records_and_reads_their_results(org):
    leads = [
        {"LastName": "Lovelace", "Company": "Acme", "Email": "ada@example.com"},
        {"LastName": "Noether", "Company": "Acme", "Email": "nobody"},
    ]
    (job,) = org.bulk2.Lead.insert(records=leads, wait=0)
    assert (job["numberRecordsProcessed"], job["numberRecordsFailed"]) == (2, 1)
    (success,) = rows_of(org.bulk2.Lead.get_successful_records(job["job_id"]))
    (failure,) = rows_of(org.bulk2.Lead.get_failed_records(job["job_id"]))
    assert (success["LastName"], success["sf__Created"]) == ("Lovelace", "true")
    assert org.Lead.get(success["sf__Id"])["Email"] == "ada@example.com"
    assert failure["sf__Error"].startswith("INVALID_EMAIL_ADDRESS:")
    assert rows_of(org.bulk2.Lead.get_unprocessed_records(job["job_id"])) == []


def test_an_upsert_makes_and_changes_and_says_which(desk, org):
    make_leads(desk, 1)
    leads = [LEAD | {"External_Id__c": "L-000"}, LEAD | {"External_Id__c": "L-001"}]
    (job,) = org.bulk2.Lead.upsert(records=leads, external_id_field="External_Id__c", wait=0)
    rows = rows_of(org.bulk2.Lead.get_successful_records(job["job_id"]))
    assert {row["External_Id__c"]: row["sf__Created"] for row in rows} == {
        "L-000": "false",
        "L-001": "true",
    }


def test_an_empty_value_changes_nothing_and_na_empties_the_field(desk, org):
    id, *_ = make_leads(desk, 1)
    job = create_job(desk, "update", lineEnding="CRLF", columnDelimiter="SEMICOLON")
    upload(desk, job, f"Id;FirstName;External_Id__c\r\n{id};;#N/A\r\n")
    set_state(desk, job, "UploadComplete")
    assert [read_state(desk, job), read_state(desk, job)] == ["InProgress", "JobComplete"]
    lead = org.Lead.get(id)
    assert (lead["FirstName"], lead["External_Id__c"]) == ("Ada", None)


def test_data_are_uploaded_once_and_start_with_the_close(desk, org):
    job = create_job(desk)
    assert upload(desk, job, "LastName,Company\nLovelace,Acme\n").status_code == 201
    assert error(upload(desk, job, "LastName,Company\nLovelace,Acme\n")) == (400, "INVALIDJOBSTATE")
    assert [read_state(desk, job), read_state(desk, job)] == ["Open", "Open"]
    assert org.query("SELECT Id FROM Lead")["totalSize"] == 0


def test_an_aborted_job_leaves_records_unprocessed(desk):
    job = create_job(desk)
    upload(desk, job, "LastName,Company\n" + "".join(f"Lead {n},Acme\n" for n in range(4)))
    set_state(desk, job, "UploadComplete")
    assert read_state(desk, job) == "InProgress"
    assert set_state(desk, job, "Aborted").json()["state"] == "Aborted"
    unprocessed = rows_of(raw(desk, "GET", f"{job}/unprocessedrecords").text)
    assert [row["LastName"] for row in unprocessed] == ["Lead 2", "Lead 3"]
    assert len(rows_of(raw(desk, "GET", f"{job}/successfulResults").text)) == 2


def test_a_deleted_job_is_gone_and_its_id_is_not_used_again(desk):
    jobs = [create_job(desk), create_job(desk)]
    assert error(raw(desk, "DELETE", jobs[0])) == (400, "INVALIDJOBSTATE")
    set_state(desk, jobs[0], "Aborted")
    assert raw(desk, "DELETE", jobs[0]).status_code == 204
    assert error(raw(desk, "GET", jobs[0])) == (404, "NOT_FOUND")
    assert create_job(desk) not in jobs


def test_columns_that_are_no_fields_fail_the_job(org):
    with pytest.raises(SalesforceOperationError, match="Field name not found : Shoe__c"):
        org.bulk2.Lead.insert(records=[{"LastName": "Lovelace", "Shoe__c": "43"}], wait=0)


def test_the_jobs_of_a_day_are_limited(desk):
    desk.world(salesforce=[{"org": ORG, "daily_jobs": 1}])
    body = {"operation": "query", "query": "SELECT Id FROM Lead"}
    assert raw(desk, "POST", "/jobs/query", json=body).status_code == 200
    assert error(raw(desk, "POST", "/jobs/query", json=body)) == (400, "LIMIT_EXCEEDED")


def test_bulk_api_1_is_not_simulated(org):
    with pytest.raises(SalesforceResourceNotFound):
        org.bulk.Lead.insert([LEAD])
