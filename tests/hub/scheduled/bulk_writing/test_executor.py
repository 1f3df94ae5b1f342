"""Backfills that are written by ingest jobs of the sandbox's Salesforce, by real HTTP."""

import asyncio
from datetime import timedelta

import pytest

from connectors.registry import CONNECTORS
from connectors.salesforce.bulk.writes import RecordsBulkWrite
from hub.incoming.models import InboundItem
from hub.operations import operation_actions
from hub.operations.models import Operation
from hub.outgoing.bulk_deliveries import BULK_JOB, WAITS_FOR
from hub.outgoing.models import Attempt, Delivery, Exchange, RememberedWrite
from hub.outgoing.operations import planning
from hub.scheduled.bulk_writing.executor import run_bulk_writing
from hub.scheduled.models import Run
from hub.scheduled.runs.context import RunDeferred, RunStopped
from tests.factories import NOON
from tests.hub.incoming.webhook_posts import endpoint_of
from tests.hub.outgoing.operating import LATER, MEMBER, apply_action, run_operation
from tests.hub.scheduled.gap_reading.test_salesforce import tell
from tests.hub.scheduled.run_helpers import Time, run_due
from tests.hub.scheduled.sandbox_run import ORG, SandboxRun, connect, execute, send
from tests.sandbox.running_sandbox import RunningSandbox
from tests.sandbox.salesforce_requests import raw
from tests.tenants.door import sign_in

pytestmark = pytest.mark.django_db(transaction=True)
JOB = "/jobs/ingest/751000000000001AAA"
CALLS = [
    "POST jobs/ingest",
    "PUT jobs/ingest/751000000000001AAA/batches",
    "PATCH jobs/ingest/751000000000001AAA",
    "GET jobs/ingest/751000000000001AAA",
    "GET jobs/ingest/751000000000001AAA",
    "GET jobs/ingest/751000000000001AAA/successfulResults",
]
LEAD = {
    "object": "'Lead'",
    "external_id_field": "'External_Id__c'",
    "external_id": "data.number",
    "fields": {"LastName": "data.customer", "Company": "'Acme'", "Title": "data.title"},
}


class EagerBulkWrite(RecordsBulkWrite):
    """Writes by small jobs, where there are more than two records."""

    records_max = 8

    def is_cheaper(self, count):
        return count > 2


@pytest.fixture(autouse=True)
def jobs():
    connector = CONNECTORS["salesforce"]
    connector.bulk_write = EagerBulkWrite()
    yield
    del connector.bulk_write


@pytest.fixture
def desk(tmp_path):
    with RunningSandbox(tmp_path).running() as running:
        yield running


class Backfill:
    """Events of a tenant that its Salesforce never got, and the runs that write them."""

    def __init__(self, make, desk):
        self.make, self.desk, self.tenant = make, desk, make.tenant("acme")
        (self.connection,) = connect(make, desk, self.tenant, "salesforce", account=ORG)
        self.called, self.lines, self.at = [], [], LATER

    def publish(self, count=6, **data):
        for number in range(count):
            order = {"number": f"A-{number}", "customer": f"Ann {number}"}
            self.make.event(self.tenant, data=order | data)

    def plan(self, **route):
        self.make.route(self.connection, **{"action": "upsert", "body": LEAD} | route)
        return self.confirm()

    def confirm(self):
        since = NOON - timedelta(days=1)
        operation = planning.plan_backfill(
            self.connection, since=since, reason="new", actor=MEMBER, now=LATER
        )
        operation_actions.confirm_operation(operation, MEMBER, now=LATER)
        run_operation(operation)
        return operation

    def execute(self, **limits):
        """Execute the run until it ends, or is killed at these limits, counted over its waits."""
        run = Run.unscoped.select_related("job", "tenant").get()
        while True:
            context = SandboxRun(run, run.job, self.tenant, at=self.at, **limits)
            try:
                return execute(run_bulk_writing, context)
            except RunDeferred as deferred:
                assert deferred.reason == BULK_JOB
                self.at = deferred.until
            finally:
                self.called += context.called
                self.lines += context.lines
                used = {"stop_at_call": len(context.called), "stop_after": context.saves}
                limits = {name: limit - used[name] for name, limit in limits.items()}

    @property
    def calls(self):
        return [
            f"{method} {url.partition('/v67.0/')[2]}"
            for method, url in (call.split(" ", 1) for call in self.called)
        ]

    def states(self):
        rows = Delivery.unscoped.order_by("pk")
        return list(rows.values_list("state", "reason"))

    def names(self):
        """List the names of the leads in the sandbox."""
        query = "SELECT LastName FROM Lead WHERE External_Id__c LIKE 'A-%'"
        records = raw(self.desk, "GET", "/query", params={"q": query}).json()["records"]
        return sorted(record["LastName"] for record in records)


@pytest.fixture
def backfill(make, desk):
    return Backfill(make, desk)


def test_a_backfill_of_many_records_is_written_by_one_job(backfill):
    backfill.publish()
    backfill.plan()
    assert set(backfill.states()) == {("waiting", BULK_JOB)}
    assert backfill.execute() == {"jobs": 1, "settled": 6, "returned": 0}
    assert backfill.calls == CALLS and backfill.names() == [f"Ann {n}" for n in range(6)]
    assert set(backfill.states()) == {("delivered", "")}
    attempts = Attempt.unscoped.filter(outcome="delivered", number=1)
    assert len(set(attempts.values_list("reference", flat=True)) - {""}) == 6
    exchange = Exchange.objects.get()
    assert exchange.url.endswith("/successfulResults") and b"Ann 5" in bytes(exchange.response_body)


def test_more_records_than_a_job_takes_are_written_by_several(backfill):
    backfill.publish(20)
    backfill.plan()
    assert backfill.execute() == {"jobs": 3, "settled": 20, "returned": 0}
    assert len(backfill.names()) == 20 and backfill.calls.count("POST jobs/ingest") == 3


def test_each_refused_record_fails_with_its_own_reason(backfill):
    backfill.publish(4)
    backfill.publish(1, number="A-8", customer=None)
    backfill.publish(1, number="A-9", customer="x" * 90)
    backfill.plan()
    assert backfill.execute()["settled"] == 6
    assert backfill.states() == [
        *[("delivered", "")] * 4,
        ("failed", "required_field_missing"),
        ("failed", "string_too_long"),
    ]
    assert backfill.calls[-1] == f"GET {JOB[1:]}/failedResults" and len(backfill.calls) == 7


@pytest.mark.parametrize(
    "kill", [{"stop_at_call": n} for n in range(1, 7)] + [{"stop_after": n} for n in range(5)]
)
def test_a_run_that_is_killed_writes_each_record_once(backfill, desk, kill):
    backfill.publish()
    backfill.plan()
    with pytest.raises(RunStopped):
        backfill.execute(**kill)
    assert backfill.execute()["settled"] == 6
    assert set(backfill.states()) == {("delivered", "")} and len(backfill.names()) == 6
    uploads = [line for line in desk.ledger() if line["path"].endswith("/batches")]
    assert [line["status"] for line in uploads].count(201) == 1
    assert Attempt.unscoped.count() == 6


def test_a_refused_job_leaves_all_to_the_pump(backfill, desk):
    desk.world(salesforce=[{"org": ORG, "daily_jobs": 0}])
    backfill.publish()
    backfill.plan()
    assert backfill.execute() == {"jobs": 0, "settled": 0, "returned": 6}
    assert set(backfill.states()) == {("waiting", "")}
    assert not Delivery.unscoped.filter(due_at__gt=backfill.at).exists()
    assert [more["reason"] for _kind, more in backfill.lines] == ["limit_exceeded"]


@pytest.mark.parametrize("is_gone", [False, True])
def test_what_an_aborted_job_did_not_write_returns_to_the_pump(backfill, desk, is_gone):
    backfill.publish()
    backfill.plan()
    with pytest.raises(RunStopped):
        backfill.execute(stop_at_call=5)  # half of the records are written
    raw(desk, "PATCH", JOB, json={"state": "Aborted"})
    if is_gone:
        raw(desk, "DELETE", JOB)
    count = 0 if is_gone else 3
    assert backfill.execute() == {"jobs": 1, "settled": count, "returned": 6 - count}
    assert backfill.states().count(("delivered", "")) == count
    assert backfill.states().count(("waiting", "")) == 6 - count


def test_few_records_are_left_to_the_pump(backfill):
    backfill.publish(2)
    backfill.plan()
    assert backfill.states() == [("waiting", "")] * 2 and not Run.unscoped.exists()


def test_a_second_write_to_a_record_follows_the_job(backfill):
    backfill.publish(4)
    backfill.publish(1, number="A-0", customer="Bea")
    backfill.plan()
    assert backfill.execute() == {"jobs": 1, "settled": 4, "returned": 1}
    assert backfill.states()[-1] == ("waiting", "") and "Ann 0" in backfill.names()


def test_what_only_a_collection_can_write_is_left_to_the_pump(backfill):
    backfill.publish(4)
    backfill.publish(1, number="A-9", title=["Dr", "Prof"])
    backfill.plan()
    assert backfill.execute()["settled"] == 4
    assert backfill.states() == [("delivered", "")] * 4 + [("waiting", "")]


def test_the_run_waits_for_the_operation_to_end(backfill):
    backfill.publish()
    operation = backfill.plan()
    Operation.unscoped.filter(pk=operation.pk).update(state="running")
    run = Run.unscoped.select_related("job", "tenant").get()
    with pytest.raises(RunDeferred) as deferred:
        execute(run_bulk_writing, SandboxRun(run, run.job, backfill.tenant, at=LATER))
    assert deferred.value.until == LATER + timedelta(seconds=10)


def test_without_a_run_the_pump_sends_after_a_while(backfill):
    backfill.publish()
    backfill.plan()
    assert set(Delivery.unscoped.values_list("due_at", flat=True)) == {LATER + WAITS_FOR}
    with pytest.raises(RunStopped):
        backfill.execute(stop_at_call=4)
    Delivery.unscoped.all().update(state="delivered", reason="")
    assert backfill.execute() == {"jobs": 1, "settled": 6, "returned": 0}
    assert not Attempt.unscoped.exists()


def test_what_a_person_cancelled_is_not_uploaded(backfill):
    backfill.publish()
    backfill.plan()
    with pytest.raises(RunStopped):
        backfill.execute(stop_at_call=1)
    apply_action("cancel", Delivery.unscoped.first())
    assert backfill.execute()["settled"] == 5 and "Ann 0" not in backfill.names()


@pytest.mark.parametrize(
    "route",
    [
        {"expires_after": 60},
        {"ordered": True},
        {"action": "create", "body": {"object": "'Lead'", "fields": LEAD["fields"]}},
    ],
    ids=["expiring", "ordered", "creations"],
)
def test_other_deliveries_are_left_to_the_pump(backfill, route):
    backfill.publish()
    backfill.plan(**route)
    assert {state for state, _reason in backfill.states()} == {"waiting"}
    assert BULK_JOB not in dict(backfill.states()).values() and not Run.unscoped.exists()


def test_the_webhooks_of_what_a_job_wrote_are_echoes(backfill, desk, client):
    backfill.make.route(event_type="salesforce.lead.*", origin_connector_key="salesforce")
    endpoint_of(backfill.connection)
    backfill.publish()
    backfill.plan()
    backfill.execute()
    write = RememberedWrite.unscoped.order_by("pk").first()
    assert write.change == "created" and write.record
    tell(client, backfill.connection, desk, write.record, "created", now=backfill.at)
    assert InboundItem.unscoped.get().state == "echo"


def run_in_loop(now):
    """Execute what is due as a worker does, with the sandbox as the network."""

    async def network(request):
        return await asyncio.to_thread(send, request)

    run_due(network, clock=Time(now))
    return Run.unscoped.select_related("job").get()


def test_the_run_counts_its_calls_its_job_and_its_records(backfill):
    backfill.publish()
    backfill.plan()
    run = run_in_loop(LATER)
    assert (run.state, run.reason) == ("waiting", BULK_JOB)
    assert (run.done_count, run.expected_count) == (0, 6)
    while run.state == "waiting":
        run = run_in_loop(run.due_at)
    assert (run.state, run.done_count, run.expected_count) == ("finished", 6, 6)
    assert run.result == {"jobs": 1, "settled": 6, "returned": 0}
    spent = {f"salesforce|account|{ORG}|": 6, f"salesforce|account|{ORG}|batches": 1}
    assert run.calls == spent | {"salesforce|calls||": 6}


@pytest.mark.parametrize(
    ("language", "title"), [("en", "Our CRM: many records"), ("de", "Our CRM: viele Datensätze")]
)
def test_people_see_the_run_and_not_its_job(make, backfill, client, language, title):
    type(backfill.connection).unscoped.update(name="Our CRM")
    backfill.connection.refresh_from_db()
    backfill.publish()
    backfill.plan()
    make.membership(backfill.tenant, make.user("ann@acme.test"), "owner")
    sign_in(client, "ann@acme.test")
    headers = {"Accept-Language": language}
    text = client.get("/t/acme/runs/", headers=headers).content.decode()
    assert title in text and title not in client.get("/t/acme/jobs/").content.decode()


def test_a_second_backfill_uses_the_open_run(backfill):
    backfill.publish()
    backfill.plan()
    Delivery.unscoped.filter(pk__gte=Delivery.unscoped.latest("pk").pk - 2).delete()
    assert backfill.confirm().processed_count == 3 and Run.unscoped.count() == 1
