"""A comparison whose other side is read by a job of Salesforce, with real HTTP to the sandbox."""

from datetime import timedelta

import pytest

from connectors.registry import CONNECTORS
from hub.scheduled.models import Run
from hub.scheduled.runs.context import RunDeferred
from tests.hub.scheduled.reading.test_bulk_pages import EagerBulkRead
from tests.hub.scheduled.reconciliation.sandbox_world import (
    ACCOUNTS,
    LONG_AGO,
    OBJECTS,
    SandboxScenario,
)
from tests.sandbox.running_sandbox import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)
COUNT = 2_120


@pytest.fixture
def salesforce(make, tmp_path):
    with RunningSandbox(tmp_path).running() as desk:
        world = SandboxScenario(make, desk, "salesforce")
        put(
            world,
            "app",
            number=lambda number: number,
            state=lambda number: "paid" if number == "A-2105" else "open",
            total=lambda number: "5.00",
            currency=lambda number: "EUR",
            updated_at=lambda number: LONG_AGO,
        )
        put(
            world,
            "salesforce",
            Number__c=lambda number: number,
            Status__c=lambda number: "open",
            Total__c=lambda number: 6 if number == "A-2111" else 5,
        )
        world.clock.at += timedelta(hours=1)
        yield world


def put(world, system, **fields):
    """Plant records whose fields are functions of their number."""
    world.orders.set_time(is_ours=system == "app")
    numbers = [f"A-{number:04}" for number in range(COUNT)]
    records = [{name: value(one) for name, value in fields.items()} for one in numbers]
    body = {"system": system, "account": ACCOUNTS[system], "object": OBJECTS[system]}
    assert world.desk.post("/_control/seed", json={**body, "records": records}).ok


@pytest.fixture
def jobs():
    reads = CONNECTORS["salesforce"].bulk_reads
    usual, reads["records"] = reads["records"], EagerBulkRead()
    yield
    reads["records"] = usual


def execute(world, run):
    """Execute a run, and wait as it asks to; return its result and how often it waited."""
    waits = 0
    while True:
        try:
            return world.execute(run), waits
        except RunDeferred as deferred:
            waits += 1
            world.clock.at = deferred.until


def count_calls(world):
    return [line["path"] for line in world.desk.ledger() if line["system"] == "salesforce"]


def test_a_job_finds_the_differences_that_pages_find(salesforce, jobs):
    result, waits = execute(salesforce, salesforce.start())
    assert result["records"] == {"local": COUNT, "remote": COUNT} and waits > 1
    assert salesforce.find_discrepancies() == {("A-2105", "status"), ("A-2111", "total")}
    paths = " ".join(count_calls(salesforce))
    assert paths.count("/results") == 3 and "/describe" in paths


def test_what_is_created_while_the_job_runs_is_read_too(salesforce, jobs):
    run = salesforce.start()
    with pytest.raises(RunDeferred):
        salesforce.execute(run)
    salesforce.clock.at += timedelta(minutes=1)
    salesforce.put_record("A-9999", "open")
    (result, _) = execute(salesforce, run)
    assert result["records"]["remote"] == COUNT + 1 and result["is_complete"]


def test_our_side_is_read_to_its_end_before_the_run_waits(salesforce, jobs):
    run = salesforce.start()
    with pytest.raises(RunDeferred):
        salesforce.execute(run)
    cursor = Run.unscoped.get(pk=run.pk).cursor
    assert cursor["reads"]["local"]["done"] and not cursor["reads"]["remote"]["done"]
