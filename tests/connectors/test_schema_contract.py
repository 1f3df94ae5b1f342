"""What every Schema promises: an answer that is cut or strange is never taken for a whole one."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.http import Response, Unreadable
from connectors.object_schemas import FieldsPage, ObjectsPage
from connectors.outcomes import Outcome
from connectors.registry import CONNECTORS
from tests.connectors.recorded import NOON, credential, recorded

WHOLE = {
    "salesforce": ("Contact", "describe__ok"),
    "pipedrive": ("deals", "deal_fields__first"),
}
SCHEMAS = [connector for connector in CONNECTORS.values() if connector.schema]
each = pytest.mark.parametrize("connector", SCHEMAS, ids=lambda connector: connector.key)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["fields", "data", "name", "label", "success", "field_code", "type"]),
            inner,
        )
    ),
    max_leaves=6,
)


def test_every_schema_is_tried():
    assert {connector.key for connector in SCHEMAS} == set(WHOLE)


@each
def test_a_cut_answer_is_not_read(connector):
    object, name = WHOLE[connector.key]
    whole = recorded(connector.key, name)
    assert isinstance(connector.schema.parse_fields(whole, object), FieldsPage)
    with pytest.raises(Unreadable):
        connector.schema.parse_fields(replace(whole, is_truncated=True), object)
    for length in range(0, len(whole.body), max(len(whole.body) // 50, 1)):
        with pytest.raises(Unreadable):
            connector.schema.parse_fields(replace(whole, body=whole.body[:length]), object)


@each
@settings(deadline=None, max_examples=60)
@given(document=values, status=st.sampled_from([200, 204, 302, 400, 403, 404, 429, 500, 503]))
def test_a_strange_answer_is_a_page_an_outcome_or_unreadable(connector, document, status):
    response = Response(status, json.dumps(document).encode(), at=NOON)
    object, _name = WHOLE[connector.key]
    for parse in (
        lambda: connector.schema.parse_fields(response, object),
        lambda: connector.schema.parse_objects(response),
    ):
        try:
            assert isinstance(parse(), FieldsPage | ObjectsPage | Outcome)
        except (Unreadable, NotImplementedError):
            continue


@each
def test_a_request_reads_only_and_stays_at_the_account(connector):
    object, _name = WHOLE[connector.key]
    request = connector.schema.fields_request(credential(connector.key), object)
    assert (request.method, request.json, request.body) == ("GET", None, None)
    assert request.spends and request.bearer


@each
def test_collections_name_objects_of_the_schema(connector):
    fixed = {entry.key for entry in connector.schema.objects}
    collections = {collection.key for collection in connector.collections}
    for key, object in connector.schema.object_of_collection.items():
        assert key in collections
        assert not object or object in fixed


@each
def test_every_documented_event_tells_of_an_object_that_can_be_read_or_of_none(connector):
    source, known = connector.webhook_source, set()
    for entry in source.event_types:
        if object_key := connector.schema.find_event_object(entry.type):
            assert connector.schema.fields_request(credential(connector.key), object_key)
            known.add(object_key)
        fields = [
            connector.schema.find_event_field(("record", name)) for name in entry.example["record"]
        ]
        assert fields == list(entry.example["record"])
        assert connector.schema.find_event_field(("id",)) == ""
    assert len(known) >= 4


@each
def test_a_list_of_objects_names_those_that_are_not_offered_too(connector):
    if connector.schema.objects:  # they are the same in every account
        assert not connector.schema.missing_object_reasons
        return
    page = connector.schema.parse_objects(recorded(connector.key, "objects__ok"))
    assert {entry.key for entry in page.objects} < page.keys
