"""Planted changes of what routes read of events are found before the next event arrives."""

import pytest

from hub.drift.models import DriftFinding
from hub.notices.models import Notice
from tests.hub.drift.planted.changes import ORDERS, SOURCE, check, plant
from tests.hub.drift.schema_changes import open_findings

pytestmark = pytest.mark.django_db
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
