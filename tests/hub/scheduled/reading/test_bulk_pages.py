"""Reading the rest of a collection by a query job of the sandbox's Salesforce."""

from contextlib import suppress
from datetime import timedelta

import pytest

from connectors.registry import CONNECTORS
from connectors.salesforce.bulk.queries import RecordsBulkRead
from hub.processes.db_thread import run_with_loop
from hub.scheduled.reading import read_pages
from hub.scheduled.reading.bulk_pages import BULK_JOB_RUNNING
from hub.scheduled.runs.context import RunDeferred, RunStopped
from tests.hub.scheduled.sandbox_run import ORG, connect, start_run
from tests.sandbox.running_sandbox import RunningSandbox
from tests.sandbox.salesforce_requests import raw

pytestmark = pytest.mark.django_db(transaction=True)
RECORDS = next(one for one in CONNECTORS["salesforce"].collections if one.key == "records")
COUNT = 2_100  # the first page has 2,000
FIELDS = [
    {"name": "Number__c", "type": "string", "length": 80, "external_id": True},
    {"name": "Total__c", "type": "double"},
    {"name": "Paid__c", "type": "boolean"},
    {"name": "Due__c", "type": "datetime"},
]
QUERY = {"object": "Order__c", "fields": "Number__c, Total__c, Paid__c, Due__c", "deleted": "true"}


class EagerBulkRead(RecordsBulkRead):
    """Reads everything after the first page by a job, in small pages."""

    results_size = 40

    def is_cheaper(self, count):
        return count > 0


@pytest.fixture
def desk(tmp_path):
    with RunningSandbox(tmp_path).running() as running:
        running.world(salesforce=[{"org": ORG, "fields": {"Order__c": FIELDS}}])
        yield running


@pytest.fixture
def jobs():
    """Let the hub take a job for few records, too."""
    reads = CONNECTORS["salesforce"].bulk_reads
    usual, reads["records"] = reads["records"], EagerBulkRead()
    yield
    reads["records"] = usual


def put_records(desk, count=COUNT):
    records = [
        {
            "Number__c": f"A-{number:05}" + ' "é",\n' * (number % 5 == 0),
            "Total__c": number * 40_000.25 if number % 3 else None,
            "Paid__c": bool(number % 2),
            "Due__c": "2026-11-20T08:30:00.000+0000",
        }
        for number in range(count)
    ]
    body = {"system": "salesforce", "account": ORG, "object": "Order__c", "records": records}
    answer = desk.post("/_control/seed", json=body)
    assert answer.status_code == 201, answer.text


class Reader:
    """Reads in a run, and goes on after each interruption with a new process."""

    def __init__(self, make, desk):
        tenant = make.tenant("acme")
        (self.connection,) = connect(make, desk, tenant, "salesforce")
        self.context = start_run(make, tenant, "salesforce", "reconcile")
        self.cursor, self.records, self.pages = "", [], []
        self.deferrals = 0

    def go_on(self, *, pages=None, query=QUERY):
        """Read so many pages, or to the end; return whether that was the end."""

        async def read():
            number = 0
            async for page in read_pages(
                self.context, self.connection, RECORDS, query, cursor=self.cursor
            ):
                self.cursor = page.cursor
                self.records += page.records
                self.pages.append(page)
                number += 1
                if number == pages and page.cursor:
                    return False
            return True

        return run_with_loop(read)

    def read_all(self, *, pages=None, query=QUERY):
        while True:
            try:
                if self.go_on(pages=pages, query=query):
                    return [bare(record) for record in self.records]
            except RunDeferred as deferred:
                assert deferred.reason == BULK_JOB_RUNNING
                self.deferrals += 1
                self.context.at = deferred.until

    @property
    def calls(self):
        return [call.partition("/v67.0/")[2].partition("?")[0] for call in self.context.called]


def bare(record):
    return {name: value for name, value in record.items() if name != "attributes"}


def in_order(records):
    return sorted(records, key=lambda record: record["Id"])


@pytest.fixture
def reader(make, desk):
    return Reader(make, desk)


def read_by_pages(reader, query=QUERY):
    """Read the same records without a job."""
    reads = CONNECTORS["salesforce"].bulk_reads
    eager = reads.pop("records")
    try:
        reader.cursor, reader.records = "", []
        return reader.read_all(query=query)
    finally:
        reads["records"] = eager


def test_a_job_gives_the_records_that_pages_give(desk, reader, jobs):
    put_records(desk)
    records = reader.read_all()
    assert len(records) == COUNT and reader.pages[-1].is_complete
    assert reader.calls == [
        "queryAll",
        "queryAll",  # how many more there are
        "sobjects/Order__c/describe",
        "jobs/query",
        "jobs/query/750000000000001AAA",
        "jobs/query/750000000000001AAA",
        *["jobs/query/750000000000001AAA/results"] * 3,
    ]
    assert in_order(records) == in_order(read_by_pages(reader))


def list_changes(records):
    """Return what a read of a gap finds in these records."""
    source = CONNECTORS["salesforce"].webhook_source
    changes = (
        source.record_changes("records", record, account=ORG)
        for record in sorted(records, key=lambda record: record["Id"])
    )
    return [(one.type, one.change_key, one.at) for some in changes for one in some]


def test_a_gap_finds_the_same_changes_in_the_results_of_a_job(desk, reader, jobs):
    put_records(desk)
    query = QUERY | {"fields": "CreatedDate, Number__c", "since": "2026-11-25T00:00:00Z"}
    reader.read_all(query=query)
    by_job = list_changes(reader.records)
    read_by_pages(reader, query)
    assert by_job == list_changes(reader.records) and len(by_job) == COUNT


@pytest.mark.parametrize("pages", [1, 2, 3])
def test_a_read_that_is_killed_after_any_page_goes_on_with_the_same_job(desk, reader, jobs, pages):
    put_records(desk)
    records = reader.read_all(pages=pages)
    assert len(records) == len({record["Id"] for record in records}) == COUNT
    assert reader.calls.count("jobs/query") == 1


@pytest.mark.parametrize("call", [2, 4, 5, 7, 8])  # count, creation, state, first and later results
def test_a_read_that_is_killed_in_any_call_reads_all_records_once(desk, reader, jobs, call):
    put_records(desk)
    reader.context.stop_at_call = call
    with suppress(RunStopped):
        reader.read_all()
    reader.context.stop_at_call = None
    records = reader.read_all()
    assert len(records) == len({record["Id"] for record in records}) == COUNT


def test_the_run_waits_as_a_row_and_asks_for_the_state_once_each_time(desk, reader, jobs):
    put_records(desk)
    with pytest.raises(RunDeferred) as deferred:
        reader.go_on()
    assert deferred.value.until == reader.context.at + timedelta(seconds=30)
    calls = len(reader.calls)
    with pytest.raises(RunDeferred):
        reader.go_on()  # it was woken too early
    assert len(reader.calls) == calls


@pytest.mark.parametrize("break_job", ["limit", "abort", "gone"])
def test_without_a_job_the_rest_is_read_by_pages(desk, reader, jobs, break_job):
    put_records(desk)
    if break_job == "limit":
        desk.world(salesforce=[{"org": ORG, "fields": {"Order__c": FIELDS}, "daily_jobs": 0}])
    else:
        with suppress(RunDeferred):
            reader.go_on()
        job = "/jobs/query/750000000000001AAA"
        raw(desk, "PATCH", job, json={"state": "Aborted"})
        if break_job == "gone":
            raw(desk, "DELETE", job)
    records = reader.read_all()
    assert len(records) == COUNT and reader.pages[-1].is_complete
    reasons = {"limit": "limit_exceeded", "abort": "bulk_job_failed", "gone": "not_found"}
    refusals = [more["reason"] for kind, more in reader.context.lines if kind == "bulk_job_refused"]
    assert refusals == [reasons[break_job]]


def test_a_long_wait_for_the_job_leaves_the_read_complete(desk, reader, jobs):
    put_records(desk)
    with suppress(RunDeferred):
        reader.go_on()
    raw(desk, "PATCH", f"/sobjects/Order__c/{reader.records[0]['Id']}", json={"Total__c": 9})
    reader.context.at += timedelta(hours=2)
    reader.read_all()
    assert reader.pages[-1].is_complete


def test_a_job_reads_changes_and_conditions_as_pages_do(desk, reader, jobs):
    put_records(desk)
    desk.now += 3600
    put_records(desk, 2_050)
    query = QUERY | {"since": "2026-11-25T12:30:00+00:00"}
    records = reader.read_all(query=query)
    assert len({record["Id"] for record in records}) == len(records) == 2_050
    assert {record["SystemModstamp"] for record in records} == {"2026-11-25T13:00:00.000+0000"}
    assert reader.calls.count("jobs/query") == 1


@pytest.mark.parametrize(
    ("count", "more"),
    [(1_999, {}), (2_050, {"fields": "Owner.Name"}), (2_050, {"page_size": "50"})],
)
def test_few_records_and_fields_of_other_records_take_no_job(desk, count, more):
    bulk = RecordsBulkRead()
    assert not (bulk.can_read(QUERY | more) and bulk.is_cheaper(count))


def test_two_workers_share_a_job_once_it_is_stored(make, desk, reader, jobs):
    put_records(desk)
    with suppress(RunDeferred):
        reader.go_on()
    other = Reader.__new__(Reader)
    vars(other).update(vars(reader), records=list(reader.records), pages=[])
    assert {bare(record)["Id"] for record in other.read_all()} == {
        record["Id"] for record in reader.read_all()
    }
    assert reader.calls.count("jobs/query") == 1
