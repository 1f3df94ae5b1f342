"""A planted removal of an object is found; outages and refusals remove none."""

import pytest
import requests

from hub.drift.check import SchemaCheckContext, check_connection_objects
from hub.drift.models import DriftFinding
from hub.egress import EgressError
from hub.notices.models import Notice
from tests.factories import NOON
from tests.hub.drift.planted.changes import ORDERS, STEP, TICKS, check, plant
from tests.hub.drift.schema_changes import open_findings
from tests.hub.scheduled.sandbox_run import send

pytestmark = pytest.mark.django_db


def call_or_fail(request):
    try:
        return send(request)
    except requests.RequestException as error:
        raise EgressError("disconnected", "disconnected") from error


def test_an_object_that_is_removed_is_found_and_its_return_too(make, desk, salesforce, orders):
    query = {
        "kind": "soql",
        "object": "Order",
        "measures": [{"function": "sum", "field": "Total__c"}],
    }
    make.job(
        salesforce.tenant,
        kind="report",
        connector="salesforce",
        name="Totals",
        options={"query": query},
    )
    check(salesforce)
    plant(desk, ORDERS, "remove_object")
    check(salesforce)
    assert open_findings() == [("object_removed", "", "", "")]
    finding = DriftFinding.unscoped.get()
    assert [entry["name"] for entry in finding.breaks] == ["Gold orders", "Totals"]
    assert Notice.unscoped.count() == 1
    plant(desk, ORDERS, "reset")
    check(salesforce)
    assert open_findings() == []


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("/Order/describe", {"status": 503}),
        ("/Order/describe", {"status": 403}),
        ("/Order/describe", {"status": 429}),
        ("/Order/describe", {"status": 404}),
        ("/sobjects", {"status": 503}),
    ],
)
def test_an_outage_a_permission_or_a_throttle_removes_no_object(
    desk, salesforce, orders, path, fault
):
    check(salesforce)
    if path == "/sobjects":
        plant(desk, ORDERS, "remove_object")
    desk.fault("salesforce", path=path, times=0, **fault)
    result = check_connection_objects(
        salesforce, SchemaCheckContext(call=send, clock=lambda: NOON + next(TICKS) * STEP)
    )
    assert (result.is_complete, open_findings()) == (False, [])


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 503},
        {"status": 403},
        {"status": 0},
        {"cut": 900},
        {"changes": {"fields": []}},
        {"changes": {"fields": [{"name": "Id"}]}},
        {"body": "<html>Maintenance</html>"},
    ],
)
def test_a_describe_that_fails_proves_nothing(desk, salesforce, fault):
    check(salesforce)
    desk.fault("salesforce", path="/describe", **fault)
    result = check_connection_objects(
        salesforce, SchemaCheckContext(call=call_or_fail, clock=lambda: NOON + next(TICKS) * STEP)
    )
    assert (result.is_complete, open_findings()) == (False, [])
    check(salesforce)
    assert open_findings() == []
