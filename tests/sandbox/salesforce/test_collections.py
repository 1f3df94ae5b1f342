"""Many records in one request to the simulated org: collections and composites."""

import pytest

from tests.sandbox.salesforce_requests import LEAD, error, raw


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"Shoe_Size__c": 43}, "INVALID_FIELD"),
        ({"AnnualRevenue": "much"}, "JSON_PARSER_ERROR"),
        ({"attributes": {"type": "Shoe"}}, "INVALID_TYPE"),
        ({"attributes": {}}, "INVALID_TYPE"),
    ],
)
def test_a_collection_that_cannot_be_read_fails_as_a_whole_and_writes_nothing(
    desk, org, wrong, code
):
    records = [{"attributes": {"type": "Lead"}, **LEAD, **change} for change in ({}, wrong, {})]
    answer = raw(desk, "POST", "/composite/sobjects", json={"records": records})
    assert error(answer) == (400, code)
    assert org.query("SELECT COUNT() FROM Lead")["totalSize"] == 0


def test_an_external_id_comes_once_in_a_collection(desk):
    keys = ("9a", "9A", "9b")
    records = [{"attributes": {"type": "Lead"}, "External_Id__c": key, **LEAD} for key in keys]
    answer = raw(
        desk, "PATCH", "/composite/sobjects/Lead/External_Id__c", json={"records": records}
    )
    codes = [[error["statusCode"] for error in record["errors"]] for record in answer.json()]
    assert codes == [["DUPLICATE_VALUE"], ["DUPLICATE_VALUE"], []]


def test_a_collection_answers_for_each_in_order(desk, org):
    records = [
        {"attributes": {"type": "Lead"}, **LEAD},
        {"attributes": {"type": "Lead"}, "LastName": "x"},
    ]
    answer = raw(desk, "POST", "/composite/sobjects", json={"allOrNone": False, "records": records})
    assert [
        (one["success"], [e["statusCode"] for e in one["errors"]]) for one in answer.json()
    ] == [
        (True, []),
        (False, ["REQUIRED_FIELD_MISSING"]),
    ]
    assert org.query("SELECT COUNT() FROM Lead")["totalSize"] == 1


def test_all_or_none_takes_back_the_good_ones(desk, org):
    records = [
        {"attributes": {"type": "Lead"}, **LEAD},
        {"attributes": {"type": "Lead"}, "LastName": "x"},
    ]
    answer = raw(
        desk, "POST", "/composite/sobjects", json={"allOrNone": True, "records": records}
    ).json()
    assert answer[0]["errors"][0]["statusCode"] == "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    assert org.query("SELECT COUNT() FROM Lead")["totalSize"] == 0


def test_a_collection_is_upserted_changed_and_deleted(desk):
    record = {"attributes": {"type": "Lead"}, "External_Id__c": "9", **LEAD}
    path = "/composite/sobjects/Lead/External_Id__c"
    made, again = (raw(desk, "PATCH", path, json={"records": [record]}).json()[0] for _ in range(2))
    assert (made["created"], again["created"], again["id"]) == (True, False, made["id"])
    change = {"attributes": {"type": "Lead"}, "id": made["id"], "Company": "Globex"}
    assert raw(desk, "PATCH", "/composite/sobjects", json={"records": [change]}).json()[0][
        "success"
    ]
    assert raw(desk, "DELETE", f"/composite/sobjects?ids={made['id']}").json()[0]["success"]


def test_a_composite_refers_to_its_own_parts_and_counts_once(desk):
    root = "/services/data/v67.0/sobjects"
    parts = [
        {"method": "POST", "url": f"{root}/Account", "referenceId": "a", "body": {"Name": "Acme"}},
        {
            "method": "POST",
            "url": f"{root}/Contact",
            "referenceId": "c",
            "body": {"LastName": "Ada", "AccountId": "@{a.id}"},
        },
        {"method": "GET", "url": f"{root}/Contact/@{{c.id}}", "referenceId": "r"},
    ]
    answer = raw(desk, "POST", "/composite", json={"allOrNone": True, "compositeRequest": parts})
    made, _, read = answer.json()["compositeResponse"]
    assert (made["httpStatusCode"], read["body"]["AccountId"]) == (201, made["body"]["id"])
    assert answer.headers["Sforce-Limit-Info"] == "api-usage=1/15000"


def test_a_failed_composite_is_a_200_that_rolls_back(desk, org):
    parts = [
        {
            "method": "POST",
            "url": "/services/data/v67.0/sobjects/Lead",
            "referenceId": "a",
            "body": LEAD,
        },
        {
            "method": "POST",
            "url": "/services/data/v67.0/sobjects/Lead",
            "referenceId": "b",
            "body": {},
        },
    ]
    answer = raw(desk, "POST", "/composite", json={"allOrNone": True, "compositeRequest": parts})
    codes = [part["body"][0]["errorCode"] for part in answer.json()["compositeResponse"]]
    assert (answer.status_code, codes) == (200, ["PROCESSING_HALTED", "REQUIRED_FIELD_MISSING"])
    assert org.query("SELECT COUNT() FROM Lead")["totalSize"] == 0
