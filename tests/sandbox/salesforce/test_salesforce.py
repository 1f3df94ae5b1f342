"""The simple-salesforce client drives the simulated org with only its address changed."""

from datetime import UTC, datetime, timedelta

import pytest
from simple_salesforce.exceptions import (
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceResourceNotFound,
)

from tests.sandbox.salesforce_requests import LEAD, OPPORTUNITY, error, raw


def test_a_record_is_made_read_changed_and_deleted(org):
    record = org.Lead.create(LEAD)
    assert record["success"] and record["id"].startswith("00Q") and len(record["id"]) == 18
    assert org.Lead.get(record["id"])["Name"] == "Ada Lovelace"
    assert org.Lead.update(record["id"], {"Company": "Globex"}) == 204
    assert org.Lead.get(record["id"][:15])["Company"] == "Globex"
    assert org.Lead.delete(record["id"]) == 204
    with pytest.raises(SalesforceResourceNotFound):
        org.Lead.get(record["id"])
    assert org.query("SELECT Id FROM Lead")["totalSize"] == 0
    assert org.query("SELECT IsDeleted FROM Lead", include_deleted=True)["records"][0]["IsDeleted"]


def test_the_client_reads_what_was_changed_and_deleted_between_two_times(org, desk):
    kept, deleted = (org.Lead.create(LEAD)["id"] for _ in range(2))
    org.Lead.delete(deleted)
    start = datetime.fromtimestamp(desk.now, UTC).replace(second=0)
    end = start + timedelta(minutes=1)
    assert org.Lead.updated(start, end)["ids"] == [kept]
    answer = org.Lead.deleted(start, end)
    assert [row["id"] for row in answer["deletedRecords"]] == [deleted]
    with pytest.raises(SalesforceMalformedRequest, match="INVALID_REPLICATION_DATE"):
        org.Lead.deleted(start, start + timedelta(days=31))


def test_a_deleted_record_leaves_the_recycle_bin_after_15_days(org, desk):
    org.Lead.delete(org.Lead.create(LEAD)["id"])
    soql = "SELECT Id FROM Lead WHERE IsDeleted = true"
    assert org.query(soql, include_deleted=True)["totalSize"] == 1
    desk.world(salesforce=[{"org": "00D000000000001EAA", "session_timeout": 10**7}])
    desk.now += 15 * 86400
    assert org.query(soql, include_deleted=True)["totalSize"] == 0


def test_creating_answers_201_and_where_the_record_is(desk):
    answer = raw(desk, "POST", "/sobjects/Lead", json=LEAD)
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/services/data/v67.0/sobjects/Lead/{answer.json()['id']}"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"LastName": None}, "REQUIRED_FIELD_MISSING"),
        ({"LastName": "x" * 81}, "STRING_TOO_LONG"),
        ({"Shoe_Size__c": 43}, "INVALID_FIELD"),
        ({"Email": "nobody"}, "INVALID_EMAIL_ADDRESS"),
        ({"LastName": {"a": 1}}, "JSON_PARSER_ERROR"),
        ({"CreatedDate": "2020-01-01"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ({"LastName": "  "}, "REQUIRED_FIELD_MISSING"),
        ({"Company": ""}, "REQUIRED_FIELD_MISSING"),
        ({"NumberOfEmployees": 1.5}, "JSON_PARSER_ERROR"),
        ({"AnnualRevenue": "much"}, "JSON_PARSER_ERROR"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_wrong_record_is_refused_in_salesforces_words(org, change, code):
    with pytest.raises(SalesforceMalformedRequest) as caught:
        org.Lead.create(LEAD | change)
    assert caught.value.content[0]["errorCode"] == code


@pytest.mark.parametrize("day", ["2026-02-31", "2026-13-01", "31.12.2026", "2026-02-28T25:00:00Z"])
def test_a_day_that_the_calendar_does_not_have_is_refused(org, day):
    with pytest.raises(SalesforceMalformedRequest) as caught:
        org.Opportunity.create(OPPORTUNITY | {"CloseDate": day})
    assert caught.value.content[0]["errorCode"] == "JSON_PARSER_ERROR"


def test_blanks_around_text_are_not_kept(org):
    record = org.Lead.create(LEAD | {"Company": "  Acme  ", "Title": "   "})
    lead = org.Lead.get(record["id"])
    assert (lead["Company"], lead["Title"]) == ("Acme", None)


def test_a_reference_names_a_living_record_of_the_right_object(org):
    account, contact = (
        org.Account.create({"Name": "Acme"})["id"],
        org.Contact.create({"LastName": "Ada"})["id"],
    )
    record = org.Contact.create({"LastName": "Bob", "AccountId": account[:15]})
    assert org.Contact.get(record["id"])["AccountId"] == account
    gone = org.Account.create({"Name": "Gone"})["id"]
    org.Account.delete(gone)
    wrong = {
        "FIELD_INTEGRITY_EXCEPTION": contact,
        "INVALID_CROSS_REFERENCE_KEY": "001000000009999AAA",
        "ENTITY_IS_DELETED": gone,
        "MALFORMED_ID": "Acme",
    }
    for code, id in wrong.items():
        with pytest.raises(SalesforceMalformedRequest) as caught:
            org.Contact.update(record["id"], {"AccountId": id})
        assert caught.value.content[0]["errorCode"] == code


def test_the_org_itself_is_read_only(org):
    assert org.query("SELECT Name, IsSandbox FROM Organization")["records"][0]["IsSandbox"] is False
    with pytest.raises(SalesforceMalformedRequest):
        org.Organization.create({})


def test_an_upsert_makes_then_changes(desk):
    path = "/sobjects/Lead/External_Id__c/order%2F7"
    first, second = (
        raw(desk, "PATCH", path, json=LEAD),
        raw(desk, "PATCH", path, json={"Company": "Globex"}),
    )
    assert (first.status_code, first.json()["created"]) == (201, True)
    assert (second.status_code, second.json()["created"], second.json()["id"]) == (
        200,
        False,
        first.json()["id"],
    )
    assert [line["id"] for line in desk.ledger()] == ["order/7", "order/7"]


def test_an_upsert_that_fits_several_writes_nothing(desk, org):
    for _ in range(2):
        org.Lead.create(LEAD | {"Hub_Key__c": "twin"})
    answer = raw(desk, "PATCH", "/sobjects/Lead/Hub_Key__c/twin", json={"Company": "x"})
    assert (answer.status_code, len(answer.json())) == (300, 2)
    with pytest.raises(SalesforceMoreThanOneRecord):
        org.Lead.upsert("Hub_Key__c/twin", {"Company": "x"})


def test_a_record_is_found_by_its_external_id(org):
    document = org.Lead.upsert("External_Id__c/A-1001", LEAD, raw_response=True).json()
    assert org.Lead.get_by_custom_id("External_Id__c", "A-1001")["Id"] == document["id"]
    with pytest.raises(SalesforceResourceNotFound):
        org.Lead.get_by_custom_id("External_Id__c", "A-1002")


def test_a_unique_key_is_unique(desk):
    raw(desk, "POST", "/sobjects/Lead", json=LEAD | {"External_Id__c": "7"})
    assert error(raw(desk, "POST", "/sobjects/Lead", json=LEAD | {"External_Id__c": "7"})) == (
        400,
        "DUPLICATE_VALUE",
    )


def test_update_only_forbids_making(desk):
    answer = raw(desk, "PATCH", "/sobjects/Lead/External_Id__c/8?updateOnly=true", json=LEAD)
    assert error(answer) == (404, "NOT_FOUND")
