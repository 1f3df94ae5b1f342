"""Every change that the sandbox plants is found before the delivery that it breaks."""

import pytest

from hub.drift.models import DriftFinding
from hub.notices.models import Notice
from tests.factories import WHSEC
from tests.hub.drift.planted.changes import KEY, NEW_KEY, PRIORITY, check, plant
from tests.hub.drift.schema_changes import open_findings
from tests.hub.recipes.integrations import create_integration
from tests.hub.scheduled.sandbox_run import ORG

pytestmark = pytest.mark.django_db
CONTACTS = {"system": "salesforce", "account": ORG, "object": "Contact"}
DEALS = {"system": "pipedrive", "account": "701", "object": "deals"}

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


def test_a_recipe_that_reads_a_field_is_named(make, desk, salesforce):
    make.connection(connector="app", secret={"signing_secret": WHSEC})
    create_integration(salesforce.tenant, "salesforce_account_to_customer", {})
    check(salesforce)
    plant(desk, CONTACTS | {"object": "Account"}, "remove", "Phone")
    check(salesforce)
    assert open_findings() == [("removed", "Phone", "Phone", "")]
    (broken,) = DriftFinding.unscoped.get().breaks
    assert (broken["name"], broken["reads"][0]["path"]) == (
        "Account in Salesforce: a customer",
        "data.record.Phone",
    )
