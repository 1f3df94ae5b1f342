"""Fields and constants that expressions, mappings and filters name."""

import pytest

from connectors.registry import CONNECTORS
from hub.drift.uses.expression_paths import find_required_values, list_path_reads
from hub.drift.uses.mapping_uses import list_constants, list_written_fields
from hub.drift.uses.schema_use import index_uses

SALESFORCE, PIPEDRIVE = CONNECTORS["salesforce"], CONNECTORS["pipedrive"]
KEY = "dcf558aac1ae4e8c4f849ba5e668430d8df9be12"


@pytest.mark.parametrize(
    ("expression", "constants"),
    [
        ("'Won'", {"Won"}),
        ("data.paid && 'Won' || 'Open'", {"Won", "Open"}),
        ("data.state == 'paid' && 'Won' || 'Open'", {"Won", "Open"}),
        ("default(data.state, 'Open')", {"Open"}),
        ("join(' ', ['Order', data.number])", set()),
        ("identity('stage', data.state)", set()),
        ("data.items[?kind == 'Won'].name | [0]", set()),
        ("`7`", {"7"}),
        ("`[1, 2]`", {"1", "2"}),
        ("data.state", set()),
        ("not an expression (", set()),
    ],
)
def test_constants_are_what_an_expression_may_result_in(expression, constants):
    assert list_constants(expression) == constants


def fields_of(action, body):
    uses, is_complete = list_written_fields(action, body)
    indexed = index_uses(uses)
    return {use.key: set(use.constants) for use in indexed.values()}, is_complete


def test_a_mapping_of_salesforce_writes_the_names_in_its_fields():
    body = {
        "object": "'Lead'",
        "external_id_field": "'Ext__c'",
        "external_id": "data.number",
        "fields": {"LastName": "data.customer", "Rating": "'Hot'", "Count__c": 7},
    }
    assert fields_of(SALESFORCE.action("upsert"), body) == (
        {"LastName": set(), "Rating": {"Hot"}, "Count__c": {"7"}, "Ext__c": set()},
        True,
    )


def test_fields_that_an_expression_builds_are_read_from_it():
    body = {"object": "'Lead'", "fields": "{LastName: data.customer, Rating: 'Hot'}"}
    fields, is_complete = fields_of(SALESFORCE.action("create"), body)
    assert (fields, is_complete) == ({"LastName": set(), "Rating": {"Hot"}}, True)


def test_fields_that_only_an_event_shows_are_not_all_known():
    body = {"object": "'Lead'", "fields": "data.lead"}
    assert fields_of(SALESFORCE.action("create"), body) == ({}, False)


def test_a_mapping_of_pipedrive_writes_custom_fields_by_their_path():
    body = {
        "title": "data.number",
        "emails": [{"value": "data.email"}],
        "custom_fields": {KEY: "`2`"},
    }
    fields, is_complete = fields_of(PIPEDRIVE.action("create_deal"), body)
    assert is_complete
    assert fields[f"custom_fields.{KEY}"] == {"2"}
    assert {"title", "emails", "custom_fields"} <= set(fields)


# --- of events ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "reads"),
    [
        ("data.record.Name", {"data.record.Name": set()}),
        ("default(data.record.Level, 'Gold') == 'Tin'", {"data.record.Level": {"Tin"}}),
        (
            "data.a == 'x' && !(data.b) || data.c",
            {"data.a": {"x"}, "data.b": set(), "data.c": set()},
        ),
        ("data.record.[A, B][?@]", {"data.record.A": set(), "data.record.B": set()}),
        ("data.record.emails[0].value", {"data.record.emails.value": set()}),
        ("data.record.{x: A} | x", {"data.record.A": set()}),
        ("data.record | B", {"data.record.B": set()}),
        ('contains(`["x", "y"]`, data.a)', {"data.a": {"x", "y"}}),
        ("sort_by(data.items, &price)[0].name", {"data.items": set(), "data.items.price": set()}),
        ("data.items[?kind == 'x'].name", {"data.items.kind": {"x"}, "data.items.name": set()}),
        ("data.record.*.name", {"data.record": set()}),
        ("(data.a || data.b).c", {"data.a": set(), "data.b": set(), "data.a.c": set()}),
        ("@ == 'x' || contains(@, 'x')", {}),
        ("'fixed'", {}),
        ("not an expression (", {}),
    ],
)
def test_the_paths_that_an_expression_reads(expression, reads):
    path_reads = list_path_reads(expression)
    assert {".".join(path): values for path, values in path_reads.items()} == reads


def test_what_a_filter_requires_is_what_all_of_its_clauses_state():
    filter = "data.object == 'Lead' && (data.a == 'x' || data.b == 'y') && data.c != 'z' && data.d"
    assert find_required_values(filter) == {("data", "object"): "Lead"}
    assert find_required_values("") == find_required_values("data.x == data.y") == {}
