"""The control changes a schema, and the systems behave accordingly from then on."""

import pytest

from tests.sandbox.pipedrive_requests import KEY, call, create_record
from tests.sandbox.running_sandbox import RunningSandbox
from tests.sandbox.test_connectors import ORG
from tests.sandbox.test_schemas import OTHER_KEY, fields_of, write_lead

LEAD = {"system": "salesforce", "account": ORG, "object": "Lead"}
DEAL = {"system": "pipedrive", "account": "701", "object": "deals"}
NEW_KEY = "b2d6bd6bcf8ee6f4c8fd7a5b3d6bd6bcf8ee6f4c"


def change(desk, target, change, field="", status=201, **details):
    named = {"field": field} if field else {}
    answer = desk.post("/_control/schema", json={**target, "change": change, **named, **details})
    assert answer.status_code == status, answer.text
    return answer.json()


def code(answers):
    return answers[0]["errorCode"]


def read_lead(desk, id):
    path = f"/salesforce/{ORG}/services/data/v67.0/sobjects/Lead/{id}"
    return desk.get(path, headers={"Authorization": "Bearer 00D000000000001!acme"}).json()


def test_a_renamed_field_is_unknown_under_its_old_name_and_keeps_its_values(desk):
    id = write_lead(desk, Title="Countess")["id"]
    change(desk, LEAD, "rename", "title", to="Job_Title__c")
    assert code(write_lead(desk, 400, Title="Countess")) == "INVALID_FIELD"
    write_lead(desk, Job_Title__c="Countess")
    assert read_lead(desk, id)["Job_Title__c"] == "Countess"
    fields = fields_of(desk, "salesforce", "Lead")
    assert (fields["Job_Title__c"].label, "Title" in fields) == ("Title", False)


def test_a_removed_field_is_unknown_until_it_is_added_again(desk):
    change(desk, LEAD, "remove", "Rating")
    assert code(write_lead(desk, 400, Rating="Hot")) == "INVALID_FIELD"
    assert "Rating" not in fields_of(desk, "salesforce", "Lead")
    change(desk, LEAD, "add", "Rating", length=40)
    write_lead(desk, Rating="Hot")


def test_a_retyped_field_takes_values_of_its_new_type_only(desk):
    change(desk, LEAD, "retype", "Rating", type="double")
    assert code(write_lead(desk, 400, Rating="Hot")) == "JSON_PARSER_ERROR"
    assert fields_of(desk, "salesforce", "Lead")["Rating"].type == "number"


def test_a_record_without_a_newly_required_field_is_refused(desk):
    change(desk, LEAD, "require", "Email")
    assert code(write_lead(desk, 400)) == "REQUIRED_FIELD_MISSING"
    assert fields_of(desk, "salesforce", "Lead")["Email"].required
    change(desk, LEAD, "require", "Email", required=False)
    write_lead(desk)


def test_a_picklist_value_that_is_gone_is_refused(desk):
    deal = {"system": "salesforce", "account": ORG, "object": "Opportunity"}
    change(desk, deal, "remove_picklist_value", "StageName", value="Closed Won")
    answer = desk.post(
        f"/salesforce/{ORG}/services/data/v67.0/sobjects/Opportunity",
        headers={"Authorization": "Bearer 00D000000000001!acme"},
        json={"Name": "a", "CloseDate": "2026-12-01", "StageName": "Closed Won"},
    )
    assert code(answer.json()) == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    stage = fields_of(desk, "salesforce", "Opportunity")["StageName"]
    assert stage.restricted and ("Closed Won", "Closed Won") not in stage.picklist


def test_harmless_changes_refuse_nothing(desk):
    change(desk, LEAD, "relabel", "Rating", label="How hot")
    change(desk, LEAD, "reorder")
    change(desk, LEAD, "add", "Tier__c", type="picklist", values=["A"])
    change(desk, LEAD, "add_picklist_value", "Tier__c", value="B")
    write_lead(desk, Rating="Hot", Tier__c="B")
    assert fields_of(desk, "salesforce", "Lead")["Rating"].label == "How hot"


def test_a_reset_undoes_the_changes_of_its_object(desk):
    before = desk.get("/_control/schema", params=LEAD).json()
    id = write_lead(desk, Title="Countess")["id"]
    change(desk, LEAD, "rename", "Title", to="Job_Title__c")
    change(desk, LEAD, "remove", "Rating")
    assert change(desk, LEAD, "reset") == before
    assert read_lead(desk, id)["Title"] == "Countess"


def test_a_removed_object_is_unknown_and_not_listed_until_it_is_reset(desk):
    id = write_lead(desk, Title="Countess")["id"]
    assert change(desk, LEAD, "remove_object") == {"fields": []}
    root, headers = (
        f"/salesforce/{ORG}/services/data/v67.0",
        {"Authorization": "Bearer 00D000000000001!acme"},
    )
    described = desk.get(f"{root}/sobjects/Lead/describe", headers=headers)
    assert (described.status_code, code(described.json())) == (404, "NOT_FOUND")
    listed = desk.get(f"{root}/sobjects", headers=headers).json()["sobjects"]
    assert "Lead" not in [entry["name"] for entry in listed] and len(listed) > 5
    response = desk.get(f"{root}/query?q=SELECT+Id+FROM+Lead", headers=headers)
    assert (response.status_code, code(response.json())) == (400, "INVALID_TYPE")
    change(desk, LEAD, "remove", "Title", status=400)
    change(desk, LEAD, "reset")
    assert read_lead(desk, id)["Title"] == "Countess"


def test_a_restart_keeps_the_change(tmp_path):
    with RunningSandbox(tmp_path).running() as desk:
        change(desk, LEAD, "rename", "Title", to="Job_Title__c")
    with RunningSandbox(tmp_path).running() as desk:
        assert "Job_Title__c" in fields_of(desk, "salesforce", "Lead")


def test_a_renamed_field_of_pipedrive_has_another_key_and_the_same_name(desk):
    id = create_record(desk, "v2/deals", title="a", custom_fields={KEY: "A-1"})["id"]
    change(desk, DEAL, "rename", KEY, to=NEW_KEY)
    refused = call(desk, "POST", "v2/deals", json={"title": "a", "custom_fields": {KEY: "A-1"}})
    assert (refused.status_code, "unknown field" in refused.text) == (400, True)
    deal = call(desk, "GET", f"v2/deals/{id}").json()["data"]
    assert deal["custom_fields"] == {NEW_KEY: "A-1"}
    fields = fields_of(desk, "pipedrive", "deals")
    assert fields[f"custom_fields.{NEW_KEY}"].label == "Order number"


def test_a_removed_field_of_pipedrive_leaves_its_records(desk):
    id = create_record(desk, "v2/deals", title="a", custom_fields={KEY: "A-1"})["id"]
    change(desk, DEAL, "remove", KEY)
    assert call(desk, "GET", f"v2/deals/{id}").json()["data"]["custom_fields"] == {}
    assert f"custom_fields.{KEY}" not in fields_of(desk, "pipedrive", "deals")


def test_an_option_of_pipedrive_that_is_gone_is_refused(desk):
    change(desk, DEAL, "add", OTHER_KEY, label="Priority", type="enum", values=["Low", "High"])
    change(desk, DEAL, "remove_picklist_value", OTHER_KEY, value="High")
    change(desk, DEAL, "add_picklist_value", OTHER_KEY, value="Urgent")
    key = f"custom_fields.{OTHER_KEY}"
    assert fields_of(desk, "pipedrive", "deals")[key].picklist == (("1", "Low"), ("2", "Urgent"))
    change(desk, DEAL, "remove_picklist_value", OTHER_KEY, value="2")
    body = {"title": "a", "custom_fields": {OTHER_KEY: 2}}
    assert call(desk, "POST", "v2/deals", json=body).status_code == 400


def test_pipedrive_marks_required_fields_and_takes_records_without_them(desk):
    change(desk, DEAL, "require", KEY)
    change(desk, DEAL, "require", "value")
    fields = fields_of(desk, "pipedrive", "deals")
    assert fields["value"].required and fields[f"custom_fields.{KEY}"].required
    assert call(desk, "POST", "v2/deals", json={"title": "a"}).status_code == 200
    change(desk, DEAL, "require", "value", required=False)
    assert not fields_of(desk, "pipedrive", "deals")["value"].required


@pytest.mark.parametrize(
    ("target", "wish"),
    [
        (LEAD, {"change": "explode", "field": "Title"}),
        (LEAD, {"change": "remove", "field": "Nothing"}),
        (LEAD, {"change": "remove", "field": "Id"}),
        (LEAD, {"change": "remove"}),
        (LEAD, {"change": "rename", "field": "Title"}),
        (LEAD, {"change": "rename", "field": "Title", "to": "LastName"}),
        (LEAD, {"change": "rename", "field": "Title", "to": "a b"}),
        (LEAD, {"change": "retype", "field": "Title", "type": "colour"}),
        (LEAD, {"change": "require", "field": "Title", "required": "yes"}),
        (LEAD, {"change": "remove_picklist_value", "field": "Title", "value": "x"}),
        (LEAD, {"change": "add", "field": "Title"}),
        (LEAD, {"change": "relabel", "field": "Title", "label": "x", "colour": "red"}),
        (LEAD | {"object": "Nothing"}, {"change": "reorder"}),
        (LEAD | {"object": "User"}, {"change": "reorder"}),
        (LEAD | {"account": "nobody"}, {"change": "reorder"}),
        (DEAL, {"change": "remove", "field": "title"}),
        (DEAL, {"change": "require", "field": "id"}),
        (DEAL, {"change": "retype", "field": KEY, "type": "colour"}),
        (DEAL, {"change": "reset"}),
        (DEAL | {"object": "leads"}, {"change": "reorder"}),
        (DEAL | {"system": "slack"}, {"change": "reorder"}),
        (DEAL | {"system": "nothing"}, {"change": "reorder"}),
    ],
)
def test_a_change_that_makes_no_sense_is_refused_and_changes_nothing(desk, target, wish):
    before = desk.get("/_control/world").json()
    answer = desk.post("/_control/schema", json={**target, **wish})
    assert (answer.status_code, set(answer.json())) == (400, {"error"})
    assert desk.get("/_control/world").json() == before
