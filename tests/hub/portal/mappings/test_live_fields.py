"""Their fields from the live schema and from lists of choices, read again on demand."""

import re

import pytest

from hub.schemas.models import ChoiceList, ObjectSchema
from tests.factories import NOON
from tests.hub.portal.mappings.test_editor import build_posted_rows, inputs
from tests.hub.portal.mappings.test_mappings import page_of, text

pytestmark = pytest.mark.django_db


def field(key, label, **more):
    known = {"type": "text", "required": False, "writable": True, "picklist": [], "references": []}
    return {"key": key, "label": label, "max_length": None, "help": "", **known, **more}


FIELDS = [
    field("LastName", "Last name", required=True),
    field("LeadSource", "Lead source", type="picklist", picklist=[["Web", "Web"], ["5", "Five"]]),
    field("CreatedDate", "Created", type="datetime", writable=False),
]


@pytest.fixture
def salesforce(make, acme):
    return make.connection(acme, "salesforce")


@pytest.fixture
def mapping(make, acme, salesforce):
    body = {"object": "'Contact'", "fields": {"LeadSource": "'Web'"}}
    mapping = make.mapping(acme, "salesforce", "create", body)
    make.route(salesforce, mapping=mapping, action="create")
    return mapping


@pytest.fixture
def schema(salesforce):
    return ObjectSchema.unscoped.create(
        connection=salesforce, object_key="Contact", label="Contact", fields=FIELDS, read_at=NOON
    )


def list_offered_values(html):
    return re.findall(r'<option value="([^"]*)">([^<]*)</option>', html)


def test_before_it_was_read_the_page_says_how_to_read_it(admin, mapping):
    html = text(admin.get(page_of(mapping, "edit")))
    assert "have not been read yet" in html and "Refresh from Salesforce" in html


def test_fields_of_the_object_are_offered_with_type_and_required_ones_named(admin, mapping, schema):
    html = text(admin.get(page_of(mapping, "edit")))
    assert ("fields.LastName", "Last name") in list_offered_values(html)
    assert "Created" not in dict(list_offered_values(html)).values()
    assert "Lead source · one of a list" in html
    assert "Required, and not filled yet:" in html and "<code>fields.LastName</code>" in html


def test_values_of_a_list_are_offered_as_constants(admin, mapping, schema):
    html = text(admin.get(page_of(mapping, "edit")))
    assert ("Web", "Web") in list_offered_values(html) and (
        "&quot;5&quot;",
        "Five",
    ) in list_offered_values(html)


@pytest.mark.corrections(item="3.9")
def test_a_value_that_the_system_refuses_is_not_saved(admin, mapping, schema):
    rows = [("object", "constant", "Contact"), ("fields.LeadSource", "constant", "Wep")]
    for _ in range(2):
        html = text(admin.post(page_of(mapping, "edit"), build_posted_rows(*rows, do="save")))
        assert "“Wep” is not in their list." in html and "It refuses other values." in html
    assert mapping.versions.count() == 1


@pytest.mark.corrections(item="3.9")
def test_a_value_that_is_not_in_an_open_list_is_saved_only_on_purpose(admin, mapping, schema):
    ObjectSchema.unscoped.update(fields=[{**entry, "restricted": False} for entry in FIELDS])
    rows = [("object", "constant", "Contact"), ("fields.LeadSource", "constant", "Closed Wonn")]
    page = text(admin.post(page_of(mapping, "edit"), build_posted_rows(*rows, do="save")))
    assert "save again to keep the value" in page and mapping.versions.count() == 1
    kept = inputs(page)["kept_values"]
    saved = admin.post(
        page_of(mapping, "edit"), build_posted_rows(*rows, do="save", kept_values=kept)
    )
    assert saved.status_code == 302 and mapping.current.body["fields"]["LeadSource"]


@pytest.mark.corrections(item="3.9")
@pytest.mark.parametrize("value", ["Web", '"5"', "null", '""'])
def test_a_value_of_the_list_or_none_is_saved(admin, mapping, schema, value):
    rows = [("object", "constant", "Contact"), ("fields.LeadSource", "constant", value)]
    answer = admin.post(page_of(mapping, "edit"), build_posted_rows(*rows, do="save"))
    assert answer.status_code == 302


def test_another_object_in_the_draft_has_other_fields(admin, mapping, schema):
    rows = [("object", "constant", "Account"), ("fields.Name", "path", "data.number")]
    html = text(admin.post(page_of(mapping, "edit"), build_posted_rows(*rows, do="preview")))
    assert "fields.LastName" not in html and "have not been read yet" in html


def test_channels_of_slack_are_offered_with_their_names(make, admin, acme):
    slack = make.connection(acme, "slack")
    mapping = make.mapping(acme, "slack", "post_message", {"channel": "'C1'", "text": "'a'"})
    make.route(slack, mapping=mapping)
    items = [["C1", "#orders"], ["C2", "#news"]]
    ChoiceList.unscoped.create(connection=slack, kind="channel", items=items, read_at=NOON)
    html = text(admin.get(page_of(mapping, "edit")))
    assert ("C2", "#news") in list_offered_values(
        html
    ) and '<span class="mapping-note">#orders</span>' in html


def test_a_system_that_cannot_be_read_is_said_and_the_draft_stays(admin, mapping, salesforce):
    salesforce.credential.delete()
    rows = [("object", "constant", "Contact"), ("fields.X", "path", "data.only_here")]
    html = text(admin.post(page_of(mapping, "edit"), build_posted_rows(*rows, do="refresh")))
    assert "Salesforce could not be read:" in html and "data.only_here" in html
    assert not ObjectSchema.unscoped.exists()


def test_a_schema_of_another_tenant_is_not_offered(make, admin, mapping, globex):
    ObjectSchema.unscoped.create(
        connection=make.connection(globex, "salesforce"),
        object_key="Contact",
        label="Contact",
        fields=[field("OnlyTheirs", "Only theirs")],
        read_at=NOON,
    )
    assert "OnlyTheirs" not in text(admin.get(page_of(mapping, "edit")))


def test_the_refresh_button_reads_channels_from_the_system(make, admin, acme, outside):
    secret = {"access_token": "xoxb-acme-1"}
    slack = make.connection(acme, "slack", secret=secret, account="T0000ACME")
    mapping = make.mapping(acme, "slack", "post_message", {"channel": "'C1'", "text": "'a'"})
    make.route(slack, mapping=mapping)
    rows = [("channel", "constant", "C1"), ("text", "path", "data.number")]
    html = text(admin.post(page_of(mapping, "edit"), build_posted_rows(*rows, do="refresh")))
    assert "#orders" in dict(list_offered_values(html)).values() and "could not be read" not in html
    assert ChoiceList.unscoped.get(connection=slack).kind == "channel"
    assert "data.number" in html and mapping.current.number == 1
