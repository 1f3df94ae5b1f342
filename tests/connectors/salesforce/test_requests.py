"""Bodies that become requests to Salesforce, and bodies that are refused."""

from decimal import Decimal

import pytest

from tests.connectors.recorded import credential, message
from tests.connectors.salesforce.examples import (
    CONTACT,
    CREATE,
    DELETE_RECORD,
    KEYED,
    LISTED,
    RECORDS,
    UPDATE,
    UPDATE_RECORD,
    UPSERT,
)


def test_a_mapping_cannot_change_the_type_and_leaves_alone_what_is_absent():
    (record,) = CREATE.request(
        [
            message(
                {
                    "object": "Lead",
                    "fields": {"attributes": {"type": "User"}, "Email": None, "LastName": "Ada"},
                }
            )
        ],
        credential("salesforce"),
    ).json["records"]
    assert record == {"LastName": "Ada", "attributes": {"type": "Lead"}}


def test_an_upsert_names_the_external_id_in_the_path_and_in_the_record():
    request = UPSERT.request([message(KEYED)], credential("salesforce"))
    assert request.url.endswith("/services/data/v67.0/composite/sobjects/Contact/Ext__c")
    assert request.json["records"][0]["Ext__c"] == "1"


@pytest.mark.corrections(item="1.5")
def test_an_external_id_may_have_18_digits():
    number = Decimal("1234567890123456.78")
    assert UPSERT.find_body_problem({**KEYED, "external_id": number}) == ""


@pytest.mark.parametrize(
    ("action", "body"),
    [
        (CREATE, {"object": "Lead"}),
        (CREATE, {"object": "../Lead", "fields": {"A": 1}}),
        (CREATE, {"object": ["Lead"], "fields": {"A": 1}}),
        (CREATE, {"object": "Lead", "fields": "A=1"}),
        (CREATE, {"object": "Lead", "fields": {"A B": 1}}),
        (UPDATE, {**CONTACT, "record_id": "003/../1"}),
        (UPSERT, {**KEYED, "external_id_field": "Ext__c/1"}),
        (UPSERT, {**KEYED, "external_id": {"a": 1}}),
    ],
)
def test_refuses_a_body_with_a_sentence(action, body):
    assert action.find_body_problem(body)


@pytest.mark.corrections(item="1.11")
def test_a_deletion_has_the_precondition_of_an_update():
    body = {"object": "Contact", "record_id": "003000000000001AAA"}
    body["unmodified_since"] = RECORDS.version(LISTED[0])
    assert DELETE_RECORD.find_body_problem(body) == ""
    request = DELETE_RECORD.request([message(body)], credential("salesforce"))
    assert (request.method, request.content()) == ("DELETE", b"")
    assert request.headers == {"If-Unmodified-Since": "Wed, 25 Nov 2026 12:00:01 GMT"}
    assert request.url.endswith("/sobjects/Contact/003000000000001AAA")
    assert DELETE_RECORD.find_body_problem({**body, "record_id": "1/../2"})


def test_an_update_may_have_a_precondition():
    body = {**CONTACT, "unmodified_since": RECORDS.version(LISTED[0])}
    assert UPDATE_RECORD.find_body_problem(body) == ""
    request = UPDATE_RECORD.request([message(body)], credential("salesforce"))
    assert request.headers == {"If-Unmodified-Since": "Wed, 25 Nov 2026 12:00:01 GMT"}
    assert request.url.endswith("/sobjects/Contact/003000000000001AAA")
    assert UPDATE_RECORD.find_body_problem({**CONTACT, "unmodified_since": "yesterday"})
