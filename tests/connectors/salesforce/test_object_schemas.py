"""Salesforce: what a describe says of a field, and which object a mapping writes."""

import pytest

from connectors.object_schemas import SchemaField
from connectors.salesforce.connector import Salesforce
from tests.connectors.recorded import credential, recorded

SALESFORCE = Salesforce()
SCHEMA = SALESFORCE.schema


@pytest.fixture(scope="module")
def contact():
    page = SCHEMA.parse_fields(recorded("salesforce", "describe__ok"), "contact")
    return {field.key: field for field in page.fields}


def test_a_picklist_has_its_active_values_with_their_labels(contact):
    assert contact["Level__c"] == SchemaField(
        "Level__c",
        "Level",
        "picklist",
        picklist=(("Gold", "Gold"), ("Silver", "Silver level")),
        max_length=255,
        help="Set by the shop.",
    )


def test_only_what_can_be_set_has_no_default_and_cannot_be_null_is_required(contact):
    assert {key for key, field in contact.items() if field.required} == {"LastName"}


def test_what_the_system_computes_is_not_writable(contact):
    assert {key for key, field in contact.items() if not field.writable} == {
        "Id",
        "Name",
        "MailingAddress",
    }


def test_types_are_ours(contact):
    assert {key: field.type for key, field in contact.items()} == {
        "Id": "id",
        "LastName": "text",
        "OwnerId": "reference",
        "Name": "text",
        "MailingAddress": "object",
        "Email": "email",
        "HasOptedOutOfEmail": "boolean",
        "Birthdate": "date",
        "Level__c": "picklist",
        "Turnover__c": "number",
    }
    assert contact["OwnerId"].references == ("User",)


def test_a_describe_costs_one_call_of_the_organisation():
    request = SCHEMA.fields_request(credential("salesforce"), "Order__c")
    assert request.url == (
        "https://acme.my.salesforce.com/services/data/v67.0/sobjects/Order__c/describe"
    )
    assert [(scope.kind, units) for scope, units in request.spends] == [("account", 1)]


@pytest.mark.parametrize("name", ["", "Order/../Lead", "x" * 81, "Ordér"])
def test_only_an_api_name_goes_into_the_path(name):
    with pytest.raises(ValueError, match="API name"):
        SCHEMA.fields_request(credential("salesforce"), name)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("'Contact'", "Contact"),
        (' `"Order__c"` ', "Order__c"),
        ("data.object", ""),
        ("'a' || 'b'", ""),
        (7, ""),
    ],
)
def test_a_mapping_names_its_object_as_a_constant(expression, expected):
    for action in SALESFORCE.actions[:-1]:  # the last one deletes, and has no fields
        assert action.schema_object({"object": expression}) == expected
        assert action.fields_input == "fields"
    assert SALESFORCE.action("update").schema_object({}) == ""
