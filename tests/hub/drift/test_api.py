"""Findings and schemas by REST."""

import pytest

from hub.connections.models import Connection
from hub.schemas.models import ObjectSchema
from tests.factories import NOON
from tests.hub.drift.schema_changes import check, describe, list_fields_without, listing, refuse

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(api, acme):
    return api.of(acme, scopes=("connections:read", "connections:write"))


def test_findings_are_listed_with_what_they_break(shop, salesforce, route):
    check(salesforce, describe())
    check(salesforce, describe(*list_fields_without("Title")))
    (finding,) = shop.get("/api/v1/drift?state=open").json()["items"]
    assert (finding["change"], finding["object"], finding["field"]) == ("removed", "Lead", "Title")
    assert finding["sentence"].startswith("The field was removed")
    (broken,) = finding["breaks"]
    assert (broken["id"], broken["mapping_id"]) == (
        str(route.public_id),
        str(route.mapping.public_id),
    )
    assert shop.get(f"/api/v1/drift/{finding['id']}").json() == finding


def test_a_finding_names_what_a_route_reads_of_events(make, acme, shop, salesforce):
    make.route(
        tenant=acme,
        connector="webhook",
        body={"title": "data.record.Title"},
        filter="data.record.Title",
        event_type="salesforce.lead.created",
        origin_connector_key="salesforce",
    )
    check(salesforce, describe())
    check(salesforce, describe(*list_fields_without("Title")))
    (finding,) = shop.get("/api/v1/drift").json()["items"]
    (broken,) = finding["breaks"]
    read = {"path": "data.record.Title", "places": ["filter", "mapping"]}
    assert (broken["is_source"], broken["reads"]) == (True, [read])
    assert broken["use"] == "reads data.record.Title (filter, mapping) from Salesforce"


def test_a_removed_object_is_a_finding_without_a_field(shop, salesforce, route):
    check(salesforce, describe())
    check(salesforce, refuse(404, "NOT_FOUND"), listing("Account"))
    (finding,) = shop.get("/api/v1/drift?change=object_removed").json()["items"]
    assert (finding["object"], finding["field"], finding["field_label"]) == ("Lead", "", "")
    assert finding["sentence"].startswith("The object was removed")
    assert [entry["use"] for entry in finding["breaks"]] == ["writes to Salesforce"]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 2),
        ("state=open", 1),
        ("state=resolved", 1),
        ("change=renamed", 2),
        ("change=removed", 0),
        ("tenant=acme", 2),
        ("connection=00000000-0000-0000-0000-000000000000", 0),
    ],
)
def test_findings_are_filtered(make, shop, salesforce, query, count):
    make.drift_finding(salesforce)
    make.drift_finding(salesforce, resolved_at=NOON)
    make.drift_finding(make.connection(make.tenant("other"), "salesforce"))
    assert len(shop.get(f"/api/v1/drift?{query}").json()["items"]) == count


def test_the_list_costs_the_same_number_of_statements(
    make, shop, salesforce, django_assert_num_queries, django_assert_max_num_queries
):
    make.drift_finding(salesforce)
    shop.get("/api/v1/drift")  # the key is known from now on
    with django_assert_max_num_queries(4) as few:
        shop.get("/api/v1/drift")
    for _number in range(20):
        make.drift_finding(salesforce)
    with django_assert_num_queries(len(few)):
        shop.get("/api/v1/drift")


def test_a_schema_is_read_as_it_is_stored(shop, salesforce, route):
    path = f"/api/v1/connections/{salesforce.public_id}/schema"
    assert shop.get(path).json() == {"objects": [], "read_at": None}
    for unknown in ("Lead", "%00", "x" * 500):
        assert shop.get(f"{path}/objects/{unknown}").status_code == 404
    check(salesforce, describe())
    lead = shop.get(f"{path}/objects/Lead").json()
    fields = {field["key"]: field for field in lead["fields"]}
    assert (lead["key"], fields["LastName"]["required"]) == ("Lead", True)
    assert fields["Rating"]["picklist"][0] == {"value": "Hot", "label": "Hot"}


def test_pipedrives_objects_need_no_read(make, acme, shop):
    pipedrive = make.connection(acme, "pipedrive", secret={"access_token": "v1u"})
    answer = shop.get(f"/api/v1/connections/{pipedrive.public_id}/schema").json()
    assert answer["objects"][0] == {"key": "deals", "label": "Deals", "read_at": None}


def test_what_cannot_be_read_says_why(make, acme, shop):
    slack = make.connection(acme, "slack")
    answer = shop.post(
        f"/api/v1/connections/{slack.public_id}/schema/refresh", {"object": "Lead"}, format="json"
    )
    assert (answer.status_code, answer.json()["is_read"]) == (200, False)
    assert answer.json()["reason"] == "unsupported"
    assert not ObjectSchema.unscoped.exists()


def test_a_check_answers_what_was_compared(make, shop, salesforce):
    make.drift_finding(salesforce, object_key="Gone")
    answer = shop.post(f"/api/v1/connections/{salesforce.public_id}/schema/check")
    assert answer.json() == {"compared": [], "failed": [], "left": [], "findings": []}
    Connection.unscoped.filter(pk=salesforce.pk).update(state="paused")
    answer = shop.post(f"/api/v1/connections/{salesforce.public_id}/schema/check")
    assert (answer.status_code, answer.json()["code"]) == (409, "wrong-state")
