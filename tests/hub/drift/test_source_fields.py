"""Changes of what routes read of events."""

import pytest

from hub.drift.descriptions import describe_break
from hub.drift.models import DriftFinding
from tests.hub.drift.schema_changes import (
    LATER,
    RENAMED,
    change,
    check,
    describe,
    field,
    list_fields_without,
    open_findings,
    sentences,
)

pytestmark = pytest.mark.django_db


# --- what routes of events read -------------------------------------------------------------------


@pytest.fixture
def source_route(make, acme, salesforce):
    return make.route(
        tenant=acme,
        connector="webhook",
        name="Hot leads",
        body={"title": "data.record.Title", "name": "text(data.record.LastName)"},
        filter="data.record.Rating == 'Hot'",
        event_type="salesforce.lead.created",
        origin_connector_key="salesforce",
    )


@pytest.mark.parametrize(
    ("fields", "finding", "read"),
    [
        (RENAMED, ("renamed", "Title", "Title", "Title__c"), "data.record.Title"),
        (list_fields_without("Title"), ("removed", "Title", "Title", ""), "data.record.Title"),
        (
            change("Title", type="double"),
            ("retyped", "Title", "text", "number"),
            "data.record.Title",
        ),
        (
            change("Rating", picklistValues=[], restrictedPicklist=False),
            ("picklist_value_gone", "Rating", "Hot", "Hot"),
            "data.record.Rating",
        ),
    ],
)
def test_a_change_of_what_a_route_reads_of_events_is_found(
    salesforce, source_route, fields, finding, read
):
    check(salesforce, describe())
    check(salesforce, describe(*fields), now=LATER)
    assert open_findings() == [finding]
    (broken,) = DriftFinding.unscoped.get().breaks
    place = "filter" if read.endswith("Rating") else "mapping"
    assert broken["id"] == str(source_route.public_id)
    assert (broken["is_source"], broken["reads"]) == (True, [{"path": read, "places": [place]}])
    text = describe_break(broken, system="Salesforce")
    assert text == f"reads {read} ({place}) from Salesforce"
    assert "“Hot leads”" in sentences()[0]


@pytest.mark.parametrize(
    "fields",
    [
        list_fields_without("Email"),
        change("Email", nillable=False),  # nothing is created
        change("Title", createable=False, updateable=False),  # nothing is written
        change("Rating", picklistValues=field("", values=("Hot",))["picklistValues"]),
    ],
)
def test_a_change_of_what_no_route_reads_is_no_finding(salesforce, source_route, fields):
    check(salesforce, describe())
    check(salesforce, describe(*fields), now=LATER)
    assert open_findings() == []
