"""Every change that the sandbox plants is found before the delivery that it breaks fails."""

import itertools
from datetime import timedelta

import pytest
import requests

from hub.drift.check import SchemaCheckContext, check_connection_objects
from hub.drift.models import DriftFinding
from hub.egress import EgressError
from hub.notices.models import Notice
from tests.factories import NOON, WHSEC
from tests.hub.drift.drifting import open_findings
from tests.hub.recipes.integrations import switched_on
from tests.hub.scheduled.sandbox_run import ORG, SECRETS, send
from tests.sandbox.running_sandbox import RunningSandbox

pytestmark = pytest.mark.django_db

TICKS, STEP = itertools.count(), timedelta(hours=2)
KEY, NEW_KEY = "dcf558aac1ae4e8c4f849ba5e668430d8df9be12", "b" * 40
PRIORITY = "946947d1b02fd3ef20798d6112ec5d895a686a21"
CONTACT = {
    "object": "'Contact'",
    "fields": {
        "LastName": "data.customer",
        "Title": "data.title",
        "Level__c": "data.total > `100` && 'Gold' || 'Silver'",
    },
}
DEAL = {
    "title": "data.number",
    "value": "data.total",
    "custom_fields": {KEY: "data.number", PRIORITY: "`2`"},
}
CONTACTS = {"system": "salesforce", "account": ORG, "object": "Contact"}
DEALS = {"system": "pipedrive", "account": "701", "object": "deals"}
LEVEL = {"name": "Level__c", "type": "picklist", "values": ["Gold", "Silver", "Bronze"]}
TOTAL = {"name": "Total__c", "type": "double"}
SOURCE = "9" * 40
PERSON = {SOURCE: {"name": "Source"}}
FIELDS = {
    KEY: {"name": "Order number"},
    PRIORITY: {
        "name": "Priority",
        "type": "enum",
        "options": [{"id": 1, "label": "Low"}, {"id": 2, "label": "High"}],
    },
}


@pytest.fixture
def desk(tmp_path):
    with RunningSandbox(tmp_path).running() as desk:
        desk.world(
            salesforce=[{"org": ORG, "fields": {"Contact": [LEVEL], "Order": [LEVEL, TOTAL]}}],
            pipedrive=[{"company": "701", "custom_fields": {"deals": FIELDS, "persons": PERSON}}],
        )
        yield desk


@pytest.fixture
def salesforce(make, desk):
    settings = {"instance_url": f"{desk.url}/salesforce/{ORG}"}
    connection = make.connection(
        connector="salesforce", secret=SECRETS["salesforce"], settings=settings
    )
    make.route(connection, action="create", body=CONTACT, name="Orders to contacts")
    return connection


@pytest.fixture
def pipedrive(make, desk):
    settings = {"api_domain": f"{desk.url}/pipedrive/acme"}
    connection = make.connection(
        connector="pipedrive", secret=SECRETS["pipedrive"], settings=settings
    )
    make.route(connection, action="create_deal", body=DEAL, name="Orders to deals")
    return connection


def call_or_fail(request):
    try:
        return send(request)
    except requests.RequestException as error:
        raise EgressError("disconnected", "disconnected") from error


def check(connection):
    """Check its objects; each look at the clock is hours later, so that no quota is spent."""
    context = SchemaCheckContext(call=send, clock=lambda: NOON + next(TICKS) * STEP)
    result = check_connection_objects(connection, context)
    assert result.is_complete, result


def plant(desk, target, change, field="", **details):
    named = {"field": field} if field else {}
    answer = desk.post("/_control/schema", json={**target, "change": change, **named, **details})
    assert answer.status_code == 201, answer.text


SALESFORCE_CHANGES = [
    (("rename", "Title"), {"to": "Position__c"}, ("renamed", "Title", "Title", "Position__c")),
    (("remove", "Title"), {}, ("removed", "Title", "Title", "")),
    (("retype", "Title"), {"type": "double"}, ("retyped", "Title", "text", "number")),
    (("require", "Email"), {}, ("newly_required", "Email", "", "")),
    (
        ("remove_picklist_value", "Level__c"),
        {"value": "Silver"},
        ("picklist_value_gone", "Level__c", "Silver", "Silver"),
    ),
    (("add", "Region__c"), {"required": True}, ("newly_required", "Region__c", "", "")),
]
CUSTOM, CUSTOM_PRIORITY = f"custom_fields.{KEY}", f"custom_fields.{PRIORITY}"
PIPEDRIVE_CHANGES = [
    (("rename", KEY), {"to": NEW_KEY}, ("renamed", CUSTOM, CUSTOM, f"custom_fields.{NEW_KEY}")),
    (("remove", KEY), {}, ("removed", CUSTOM, CUSTOM, "")),
    (("retype", KEY), {"type": "double"}, ("retyped", CUSTOM, "text", "number")),
    (("require", "org_id"), {}, ("newly_required", "org_id", "", "")),
    (
        ("remove_picklist_value", PRIORITY),
        {"value": "High"},
        ("picklist_value_gone", CUSTOM_PRIORITY, "2", "High"),
    ),
]


@pytest.mark.parametrize(("change", "details", "finding"), SALESFORCE_CHANGES)
def test_a_change_of_an_org_is_found_and_its_repair_too(desk, salesforce, change, details, finding):
    check(salesforce)
    plant(desk, CONTACTS, *change, **details)
    check(salesforce)
    assert open_findings() == [finding]
    assert [entry["name"] for entry in DriftFinding.unscoped.get().breaks] == ["Orders to contacts"]
    assert Notice.unscoped.count() == 1
    plant(desk, CONTACTS, "reset")
    check(salesforce)
    assert open_findings() == []


@pytest.mark.parametrize(("change", "details", "finding"), PIPEDRIVE_CHANGES)
def test_a_change_of_a_company_is_found(desk, pipedrive, change, details, finding):
    check(pipedrive)
    plant(desk, DEALS, *change, **details)
    check(pipedrive)
    check(pipedrive)
    assert open_findings() == [finding]
    assert Notice.unscoped.count() == 1


def test_harmless_changes_are_no_findings(desk, salesforce, pipedrive):
    for connection in (salesforce, pipedrive):
        check(connection)
    plant(desk, CONTACTS, "reorder")
    plant(desk, CONTACTS, "relabel", "Title", label="Position")
    plant(desk, CONTACTS, "add", "Region__c")
    plant(desk, CONTACTS, "add_picklist_value", "Level__c", value="Tin")
    plant(desk, CONTACTS, "remove_picklist_value", "Level__c", value="Bronze")
    plant(desk, CONTACTS, "remove", "Phone")
    plant(desk, CONTACTS, "require", "LastName")
    plant(desk, CONTACTS | {"object": "Account"}, "remove", "Phone")
    plant(desk, DEALS, "reorder")
    plant(desk, DEALS, "relabel", KEY, label="Number of the order")
    plant(desk, DEALS, "add", "c" * 40, label="Region")
    plant(desk, DEALS, "require", KEY)
    plant(desk, DEALS, "add_picklist_value", PRIORITY, value="Urgent")
    plant(desk, DEALS, "remove_picklist_value", PRIORITY, value="Low")
    for connection in (salesforce, pipedrive):
        check(connection)
    assert (open_findings(), Notice.unscoped.count()) == ([], 0)


# --- what routes of events read -------------------------------------------------------------------

ORDERS = {"system": "salesforce", "account": ORG, "object": "Order"}
PERSONS = {"system": "pipedrive", "account": "701", "object": "persons"}
SOURCE_CHANGES = [
    (("rename", "Name"), {"to": "Title__c"}, ("renamed", "Name", "Name", "Title__c"), "mapping"),
    (("remove", "Name"), {}, ("removed", "Name", "Name", ""), "mapping"),
    (("retype", "Name"), {"type": "double"}, ("retyped", "Name", "text", "number"), "mapping"),
    (
        ("remove_picklist_value", "Level__c"),
        {"value": "Gold"},
        ("picklist_value_gone", "Level__c", "Gold", "Gold"),
        "filter",
    ),
]


@pytest.fixture
def orders(make, salesforce):
    """Events of orders in Salesforce, of which a filter and a mapping read fields."""
    return make.route(
        tenant=salesforce.tenant,
        connector="webhook",
        name="Gold orders",
        filter="data.record.Level__c == 'Gold'",
        body={"title": "truncate(text(data.record.Name), `80`)"},
        event_type="salesforce.order.created",
        origin_connector_key="salesforce",
    )


@pytest.mark.parametrize(("change", "details", "finding", "place"), SOURCE_CHANGES)
def test_a_change_of_what_is_read_of_an_order_is_found_before_the_next_one_arrives(
    desk, salesforce, orders, change, details, finding, place
):
    check(salesforce)
    plant(desk, ORDERS, *change, **details)
    check(salesforce)
    assert open_findings() == [finding]
    (broken,) = DriftFinding.unscoped.get().breaks
    assert (broken["name"], broken["is_source"]) == ("Gold orders", True)
    read = {"path": f"data.record.{finding[1]}", "places": [place]}
    assert (broken["reads"], Notice.unscoped.count()) == ([read], 1)
    plant(desk, ORDERS, "reset")
    check(salesforce)
    assert open_findings() == []


def test_harmless_changes_of_orders_are_no_findings(desk, salesforce, orders):
    check(salesforce)
    plant(desk, ORDERS, "remove_picklist_value", "Level__c", value="Silver")
    plant(desk, ORDERS, "add", "Region__c", required=True)
    plant(desk, ORDERS, "remove", "Description")
    plant(desk, ORDERS, "reorder")
    check(salesforce)
    assert open_findings() == []


def test_a_change_of_what_is_read_of_a_sign_up_is_found(make, desk, pipedrive):
    source = f'data.record.custom_fields."{SOURCE}".value'
    make.route(
        tenant=pipedrive.tenant,
        connector="webhook",
        name="Sign-ups",
        body={"source": source, "name": "data.record.name"},
        event_type="pipedrive.person.created",
        origin_connector_key="pipedrive",
    )
    check(pipedrive)
    plant(desk, PERSONS, "remove", SOURCE)
    check(pipedrive)
    assert open_findings() == [("removed", key := f"custom_fields.{SOURCE}", key, "")]
    (broken,) = DriftFinding.unscoped.get().breaks
    assert broken["reads"][0]["path"] == f"data.record.custom_fields.{SOURCE}.value"


def test_a_recipe_that_reads_a_field_is_named(make, desk, salesforce):
    make.connection(connector="app", secret={"signing_secret": WHSEC})
    switched_on(salesforce.tenant, "salesforce_account_to_customer", {})
    check(salesforce)
    plant(desk, CONTACTS | {"object": "Account"}, "remove", "Phone")
    check(salesforce)
    assert open_findings() == [("removed", "Phone", "Phone", "")]
    (broken,) = DriftFinding.unscoped.get().breaks
    assert (broken["name"], broken["reads"][0]["path"]) == (
        "Account in Salesforce: a customer",
        "data.record.Phone",
    )


# --- objects --------------------------------------------------------------------------------------


def test_an_object_that_is_removed_is_found_and_its_return_too(make, desk, salesforce, orders):
    query = {
        "kind": "soql",
        "object": "Order",
        "measures": [{"function": "sum", "field": "Total__c"}],
    }
    make.job(
        salesforce.tenant, kind="report", connector="salesforce", name="Totals",
        options={"query": query},
    )  # fmt: skip
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
