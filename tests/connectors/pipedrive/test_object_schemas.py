"""Pipedrive: what the Fields API says of a field, and which object an action writes."""

from urllib.parse import parse_qs, urlsplit

import pytest

from connectors.pipedrive.connector import Pipedrive
from tests.connectors.recorded import credential, recorded

PIPEDRIVE = Pipedrive()
SCHEMA = PIPEDRIVE.schema
NUMBER = "custom_fields.dcf558aac1ae4e8c4f849ba5e668430d8df9be12"
PRIORITY = "custom_fields.946947d1b02fd3ef20798d6112ec5d895a686a21"
BUDGET = "custom_fields.b2d6bd6bcf8ee6f4c8fd7a5b3d6bd6bcf8ee6f4c"


def fields_of(*names, object="deals"):
    pages = [SCHEMA.parse_fields(recorded("pipedrive", name), object) for name in names]
    return {field.key: field for page in pages for field in page.fields}


@pytest.fixture(scope="module")
def deals():
    return fields_of("deal_fields__first", "deal_fields__last")


def test_a_custom_field_stands_where_a_mapping_writes_it(deals):
    assert (deals[NUMBER].label, deals[NUMBER].type) == ("Order number", "text")
    assert (deals[BUDGET].type, deals["value"].type) == ("object", "number")


def test_options_have_their_ids(deals):
    assert deals[PRIORITY].picklist == (("1", "Low"), ("2", "High"))


def test_a_field_is_required_if_it_is_so_in_every_stage(deals):
    assert {key for key, field in deals.items() if field.required} == {"title", NUMBER}


def test_fields_that_no_action_writes_are_not_writable(deals):
    assert {key for key, field in deals.items() if not field.writable} == {"id"}


def test_leads_have_the_custom_fields_of_deals_and_their_own_inputs():
    leads = fields_of("deal_fields__first", "deal_fields__last", object="leads")
    assert {"title", "organization_id", NUMBER} <= set(leads)
    assert "owner_id" in leads and "stage_id" not in leads and "custom_fields" not in leads


def test_a_page_asks_for_what_is_required_and_costs_as_a_list():
    request = SCHEMA.fields_request(credential("pipedrive"), "persons", cursor="eyJ9")
    url = urlsplit(request.url)
    assert (url.path, parse_qs(url.query)) == (
        "/api/v2/personFields",
        {"limit": ["500"], "include_fields": ["required_fields"], "cursor": ["eyJ9"]},
    )
    assert [(scope.kind, units) for scope, units in request.spends][0] == ("account", 10)


def test_an_unknown_object_is_refused_before_a_call():
    with pytest.raises(ValueError, match="no such object"):
        SCHEMA.fields_request(credential("pipedrive"), "notes")


def test_every_action_names_the_object_that_it_writes():
    named = {action.key: action.schema_object({}) for action in PIPEDRIVE.actions}
    assert named["create_deal"] == named["update_deal"] == "deals"
    assert named["create_person"] == "persons"
    assert named["create_note"] == ""
    assert {name for name in named.values() if name} == {entry.key for entry in SCHEMA.objects}
