"""A preview names the paths of a mapping that found nothing, and nothing else."""

from zoneinfo import ZoneInfo

import pytest

from hub.mappings.missing_paths import find_missing_paths
from hub.mappings.translate import compile_mapping, translate

DOCUMENT = {
    "id": "o1",
    "type": "order.created",
    "data": {
        "number": "A-1",
        "total": 12.5,
        "customer": {"name": "Ann"},
        "items": [{"sku": "x"}],
        "note": None,
    },
}
TYPOS = {
    "data.numbr": ["data.numbr"],
    "data.custmer.name": ["data.custmer.name"],
    "data.customer.nme": ["data.customer.nme"],
    "concat('Order ', data.numbr)": ["data.numbr"],
    "join(' ', [to_string(data.numbr), to_string(data.totl)])": ["data.numbr", "data.totl"],
    "{number: data.numbr}": ["data.numbr"],
    "data.itms[*].sku": ["data.itms[*].sku"],
    "data.items[0].sk": ["data.items[0].sk"],
    "data.items.sku": ["data.items.sku"],
    "data.note": ["data.note"],
}
FOUND = [
    "data.number",
    "id",
    "'a text'",
    "data.items[*].sku",
    "data.items[?sku == 'x'].sku",
    "data.items[0].sku",
    "data.numbr || 'none'",
    "default(data.numbr, 'none')",
    "data.total > `5`",
    "data.discount == `null`",
]


def list_missing_paths(expression):
    mapping = compile_mapping({"field": expression})
    translation = translate(
        mapping, DOCUMENT, zone=ZoneInfo("UTC"), look_up_identity=lambda kind, local_id: local_id
    )
    return [path for _field, path in find_missing_paths(mapping, DOCUMENT, translation)]


@pytest.mark.parametrize("expression", TYPOS)
def test_a_path_that_found_nothing_is_named(expression):
    assert list_missing_paths(expression) == TYPOS[expression]


@pytest.mark.parametrize("expression", FOUND)
def test_what_was_found_or_has_a_stated_alternative_is_not(expression):
    assert list_missing_paths(expression) == []


def test_the_path_in_the_mapping_is_named():
    mapping = compile_mapping({"a/b": ["data.number", {"c": "data.numbr"}]})
    translation = translate(
        mapping, DOCUMENT, zone=ZoneInfo("UTC"), look_up_identity=lambda kind, local_id: local_id
    )
    assert find_missing_paths(mapping, DOCUMENT, translation) == (("/a~1b/1/c", "data.numbr"),)
