"""Options of a reconciliation: each mistake is named by its JSON path."""

import copy

import pytest

from hub.scheduled.reconciliation.declared_options import RECONCILE_OPTIONS
from hub.scheduled.reconciliation.options import parse_reconcile_options

OPTIONS = {
    "local": {"collection": "orders"},
    "remote": {"collection": "records", "query": {"object": "Order__c", "fields": "Id"}},
    "match": {"local": "number", "remote": "Number__c"},
    "fields": [
        {"name": "status", "local": "state", "remote": "Status__c", "owner": "ours"},
        {"name": "total", "local": "total", "remote": "Total__c", "type": "decimal"},
    ],
    "mode": "apply",
    "repair": {"remote_action": "update_record"},
}


def change(path, value):
    """Return the options with another value at a path such as fields.0.type."""
    options = copy.deepcopy(OPTIONS)
    *parents, name = path.split(".")
    target = options
    for parent in parents:
        target = target[int(parent)] if parent.isdigit() else target.setdefault(parent, {})
    target[name] = value
    return options


@pytest.mark.parametrize(
    ("path", "value", "error"),
    [
        ("local.collection", "nothing", "local.collection"),
        ("remote.conditions", {}, "remote.conditions"),
        ("remote.conditions", [{"field": "a b", "is": "null"}], "remote.conditions[0].field"),
        ("remote.conditions", [{"field": "a", "is": "like"}], "remote.conditions[0].is"),
        ("remote.conditions", [{"field": "a", "is": "equal"}], "remote.conditions[0].value"),
        (
            "local.conditions",
            [{"field": "a", "is": "in", "value": []}],
            "local.conditions[0].value",
        ),
        (
            "local.conditions",
            [{"field": "a", "is": "null", "value": 1}],
            "local.conditions[0].value",
        ),
        ("remote.collection", "aggregate", "remote.collection"),
        ("remote.query.since", "2026", "remote.query.since"),
        ("remote.query.object", 5, "remote.query.object"),
        ("remote.query.credential", "x", "remote.query.credential"),
        ("remote.query.self", "x", "remote.query.self"),
        ("match", {"identity": "order", "local": "a"}, "match"),
        ("match.remote", "a b", "match.remote"),
        ("match.remote", " ", "match.remote"),
        ("match", {"identity": ""}, "match.identity"),
        ("match", {"identity": " "}, "match.identity"),
        ("fields", [], "fields"),
        ("fields.0.type", "money", "fields[0].type"),
        ("fields.0.owner", "me", "fields[0].owner"),
        ("fields.0.local", "data.", "fields[0].local"),
        ("fields.1.name", "status", "fields[1].name"),
        ("fields.1.zone", "Mars", "fields[1].zone"),
        ("fields.1.values", {"a": "b"}, "fields[1].values"),
        ("fields.1.type", "reference", "fields[1].identity"),
        (
            "fields",
            [{**OPTIONS["fields"][1], "type": "reference", "identity": " "}],
            "fields[0].identity",
        ),
        ("fields.1.colour", "red", "fields[1].colour"),
        ("mode", "delete", "mode"),
        ("read", "some", "read"),
        ("overlap_minutes", -1, "overlap_minutes"),
        ("overlap_minutes", True, "overlap_minutes"),
        ("missing.there", "delete", "missing.there"),
        ("limits.share", 2, "limits.share"),
        ("limits.count", 1.5, "limits.count"),
        ("repair.remote_action", "fly", "repair.remote_action"),
        ("repair", {}, "repair.remote_action"),
        ("local.query", {"ids": "A-1"}, "local.query.ids"),
        ("remote.query", {"since": "2026-11-25T00:00:00Z"}, "remote.query.since"),
        ("everything", True, "everything"),
    ],
)
def test_each_mistake_is_named_by_its_path(path, value, error):
    assert error in RECONCILE_OPTIONS.find_errors(change(path, value), "salesforce")


@pytest.mark.parametrize("options", [None, [], "x", {}, {"fields": 5, "local": 7, "match": []}])
def test_anything_else_than_options_is_refused(options):
    assert RECONCILE_OPTIONS.find_errors(options, "salesforce")


def test_options_are_parsed_with_their_defaults():
    options = parse_reconcile_options(OPTIONS)
    assert (options.applies_repairs, options.is_incremental, options.overlap_minutes) == (
        True,
        False,
        10,
    )
    assert options.limits.count == 500
    assert options.rule("total").type == "decimal"
    assert options.rule("total").owner == "report"


def test_valid_options_have_no_errors():
    assert RECONCILE_OPTIONS.find_errors(OPTIONS, "salesforce") == {}
