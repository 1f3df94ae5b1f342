"""What the simulated systems say of their objects and fields, as our connectors read it."""

import pytest

from connectors.object_schemas import SchemaField
from connectors.registry import CONNECTORS
from tests.sandbox.pipedrive_requests import KEY, call
from tests.sandbox.test_connectors import ORG, key_for, send

OTHER_KEY = "946947d1b02fd3ef20798d6112ec5d895a686a21"
LEVEL = {"name": "Level__c", "type": "picklist", "length": 40, "values": ["Gold", "Silver"]}


def fields_of(desk, system, object):
    schema, credential = CONNECTORS[system].schema, key_for(desk, system)
    request = schema.fields_request(credential, object)
    page = schema.parse_fields(send(request), object)
    return {field.key: field for field in page.fields}


def write_lead(desk, status=201, **fields):
    answer = desk.post(
        f"/salesforce/{ORG}/services/data/v67.0/sobjects/Lead",
        headers={"Authorization": "Bearer 00D000000000001!acme"},
        json={"LastName": "Lovelace", "Company": "Acme", **fields},
    )
    assert answer.status_code == status, answer.text
    return answer.json()


def test_an_org_lists_its_objects_and_the_ones_that_the_world_adds(desk):
    desk.world(salesforce=[{"org": ORG, "fields": {"Parcel__c": []}}])
    schema, credential = CONNECTORS["salesforce"].schema, key_for(desk, "salesforce")
    page = schema.parse_objects(send(schema.objects_request(credential)))
    assert {entry.key: entry.label for entry in page.objects} == {
        "Account": "Account",
        "Case": "Case",
        "Contact": "Contact",
        "Lead": "Lead",
        "Opportunity": "Opportunity",
        "Order": "Order",
        "Parcel__c": "Parcel",
    }


def test_an_object_of_an_org_describes_its_fields(desk):
    desk.world(salesforce=[{"org": ORG, "fields": {"Lead": [LEVEL]}}])
    fields = fields_of(desk, "salesforce", "Lead")
    assert fields["Level__c"] == SchemaField(
        "Level__c",
        "Level",
        "picklist",
        picklist=(("Gold", "Gold"), ("Silver", "Silver")),
        max_length=40,
    )
    assert {key for key, field in fields.items() if field.required} == {"LastName", "Company"}
    assert (fields["Description"].type, fields["Description"].max_length) == ("text", 32000)
    assert not fields["Id"].writable
    assert fields_of(desk, "salesforce", "Contact")["AccountId"].references == ("Account",)


def test_standard_picklists_list_their_values_and_take_others(desk):
    stage = fields_of(desk, "salesforce", "Opportunity")["StageName"]
    assert ("Closed Won", "Closed Won") in stage.picklist
    assert not stage.restricted


def test_a_restricted_picklist_takes_its_values_only(desk):
    desk.world(salesforce=[{"org": ORG, "fields": {"Lead": [LEVEL]}}])
    write_lead(desk, Level__c="Gold")
    write_lead(desk, Level__c=None)
    (refusal,) = write_lead(desk, 400, Level__c="Tin")
    assert refusal["errorCode"] == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    assert refusal["fields"] == ["Level__c"]


def test_a_company_lists_standard_and_custom_fields(desk):
    custom = {
        KEY: "Order number",
        OTHER_KEY: {
            "name": "Priority",
            "type": "enum",
            "options": [{"id": 1, "label": "Low"}, {"id": 2, "label": "High"}],
            "required": True,
        },
    }
    desk.world(pipedrive=[{"company": "701", "custom_fields": {"deals": custom}}])
    fields = fields_of(desk, "pipedrive", "deals")
    assert fields["title"].required and not fields["id"].writable
    assert fields[f"custom_fields.{KEY}"].label == "Order number"
    priority = fields[f"custom_fields.{OTHER_KEY}"]
    assert (priority.type, priority.required) == ("picklist", True)
    assert priority.picklist == (("1", "Low"), ("2", "High"))
    assert f"custom_fields.{KEY}" in fields_of(desk, "pipedrive", "leads")


@pytest.mark.parametrize("object", ["persons", "organizations", "activities"])
def test_every_kind_of_record_has_a_list_of_fields(desk, object):
    assert len(fields_of(desk, "pipedrive", object)) > 7


def test_fields_come_in_pages(desk):
    first = call(desk, "GET", "v2/dealFields?limit=10").json()
    cursor = first["additional_data"]["next_cursor"]
    second = call(desk, "GET", f"v2/dealFields?limit=10&cursor={cursor}").json()
    codes = [field["field_code"] for field in first["data"] + second["data"]]
    assert len(codes) == len(set(codes)) == 20
    assert "required_fields" not in first["data"][0]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=501", "limit=a", "cursor=x", "include_fields=secrets"]
)
def test_a_wrong_parameter_of_a_list_of_fields_is_refused(desk, query):
    assert call(desk, "GET", f"v2/dealFields?{query}").status_code == 400


def test_a_list_of_fields_needs_the_scope_of_its_records(desk):
    desk.world(pipedrive=[{"company": "701", "scopes": "base,contacts:full"}])
    assert call(desk, "GET", "v2/dealFields").status_code == 403
    assert call(desk, "GET", "v2/personFields").status_code == 200


@pytest.mark.parametrize(
    ("type", "good", "wrong"),
    [
        ("enum", 1, 3),
        ("set", [1, 2], [3]),
        ("double", 1.5, "1.5"),
        ("date", "2026-12-01", "1.12.2026"),
        ("varchar", "a", 1),
        ("user", 31, "31"),
        ("monetary", {"value": 1, "currency": "EUR"}, 1),
    ],
)
def test_a_typed_custom_field_takes_values_of_its_type(desk, type, good, wrong):
    options = [{"id": 1, "label": "Low"}, {"id": 2, "label": "High"}]
    field = {"name": "A field", "type": type, "options": options}
    desk.world(pipedrive=[{"company": "701", "custom_fields": {"deals": {KEY: field}}}])
    for value, status in ((good, 200), (None, 200), (wrong, 400)):
        body = {"title": "a", "custom_fields": {KEY: value}}
        assert call(desk, "POST", "v2/deals", json=body).status_code == status
