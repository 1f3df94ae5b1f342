"""What a repair creates meets the conditions of its job, so that the next run finds it."""

from datetime import timedelta

import pytest

from connectors.registry import CONNECTORS
from hub.scheduled.models import Discrepancy
from hub.scheduled.reconciliation.declared_options import find_collection
from hub.scheduled.reconciliation.options import parse_reconcile_options
from hub.scheduled.repairs.discrepancy_actions import repair_discrepancy
from hub.scheduled.repairs.repair_requests import build_repair
from hub.scheduled.repairs.repair_values import ReferencePairs, RepairRefused
from tests.hub.scheduled.reconciliation.sandbox_world import SandboxScenario
from tests.hub.scheduled.repairs.discrepancies import ACTOR, discrepancy
from tests.sandbox.running_sandbox import RunningSandbox


@pytest.fixture
def desk(tmp_path):
    with RunningSandbox(tmp_path).running() as running:
        yield running


@pytest.mark.corrections(item="1.3")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("connector", "query"),
    [("salesforce", {"Region__c": "South"}), ("pipedrive", {"person_id": "1", "stage_id": "3"})],
)
def test_the_next_run_finds_what_a_repair_created(make, desk, connector, query):
    world = SandboxScenario(make, desk, connector, query=query)
    world.put_order("Y-31", "open")
    world.reconcile()
    repair_discrepancy(discrepancy(world, "Y-31", ""), ACTOR, now=world.clock())
    assert world.repair() == 1
    world.clock.at += timedelta(minutes=1)
    assert world.reconcile()["equal"] == 1
    assert world.find_discrepancies() == set()


@pytest.mark.corrections(item="1.3")
@pytest.mark.django_db(transaction=True)
def test_our_application_gets_the_values_by_which_the_job_selects_orders(make, desk):
    local = {"collection": "orders", "query": {"channel": "shop"}}
    world = SandboxScenario(make, desk, "salesforce", local=local)
    world.put_record("Y-32", "open")
    world.reconcile()
    repair_discrepancy(discrepancy(world, "Y-32", ""), ACTOR, now=world.clock())
    world.repair()
    world.clock.at += timedelta(minutes=1)
    assert world.reconcile()["equal"] == 1


def build_creation(connector, collection, query, *, conditions=()):
    """Build the write that creates the record A-1, whose state is open."""
    shape = {"object": "Order__c", "fields": "Id"} if connector == "salesforce" else {}
    key, status = ("Number__c", "Status__c") if shape else ("title", "status")
    remote = {"collection": collection, "query": {**shape, **query}, "conditions": conditions}
    options = {
        "local": {"collection": "orders"},
        "remote": remote,
        "match": {"local": "number", "remote": key},
        "fields": [{"name": "status", "local": "state", "remote": status}],
        "repair": {"remote_action": "update_record" if shape else "update_deal"},
    }
    missing = Discrepancy(
        pk=1, record_key="A-1", verdict="missing_there", local_value={"status": "open"}
    )
    parsed = parse_reconcile_options(options)
    pairs = ReferencePairs({})
    return build_repair([missing], "remote", parsed, CONNECTORS[connector], pairs)


@pytest.mark.corrections(item="1.3")
@pytest.mark.parametrize(
    ("connector", "collection", "condition"),
    [
        ("salesforce", "records", {"RecordType.Name": "Retail"}),
        ("salesforce", "records", {"Status__c": "won"}),
        ("pipedrive", "deals", {"filter_id": "3"}),
    ],
)
def test_a_record_that_the_job_would_not_read_is_not_created(connector, collection, condition):
    with pytest.raises(RepairRefused) as refused:
        build_creation(connector, collection, condition)
    assert (refused.value.reason, str(refused.value)) == ("conditions_not_met", *condition)


@pytest.mark.corrections(item="1.3")
def test_conditions_on_fields_are_met_by_a_new_record_or_prevent_it():
    there = {"field": "Number__c", "is": "not_null"}
    region = {"field": "Region__c", "is": "in", "value": ["South", "West"]}
    request = build_creation("salesforce", "records", {}, conditions=[there, region])
    assert request.input["fields"]["Region__c"] == "South"
    for test in ({"is": "not_null"}, {"field": "Status__c", "is": "not_equal", "value": "open"}):
        with pytest.raises(RepairRefused, match="__c"):
            build_creation("salesforce", "records", {}, conditions=[{**region, **test}])


@pytest.mark.corrections(item="1.3")
@pytest.mark.parametrize(
    ("collection", "query", "values"),
    [
        ("deals", {"sort_by": "id", "pipeline_id": "4"}, {"pipeline_id": 4}),
        ("deals", {"status": "won,lost", "custom_fields": "a"}, {"status": "won"}),
        ("activities", {"done": "false"}, {"done": False}),
    ],
)
def test_filters_of_pipedrive_become_values_of_a_new_record(collection, query, values):
    assert find_collection("pipedrive", collection).required_values(query) == values
