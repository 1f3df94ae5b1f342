"""A body as rows and back: nothing is lost, and each error is at its row."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.registry import CONNECTORS
from hub.mappings.rows import InvalidRows, Row, body_of_rows, rows_of_body
from hub.mappings.rows.converters import CONVERTERS
from hub.mappings.rows.field_paths import format_field_path, parse_field_path
from hub.mappings.translate import MappingError, compile_mapping

NAMES = st.one_of(
    st.sampled_from(["id", "a.b", "x[0]", '"', "", " spaced ", "0", "é\n"]),
    st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=6),
)
PATHS = st.sampled_from(
    ["data", "data.a.b", 'data."a-b"', "data.list[0].sku", "occurred_at", "data.lines[].sku"]
)
TEXTS = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=8)
EXPRESSIONS = st.one_of(
    PATHS,
    st.builds(lambda path, key: CONVERTERS[key].wrap(path), PATHS, st.sampled_from([*CONVERTERS])),
    st.builds(lambda path: f"identity('user', {path})", PATHS),
    st.sampled_from(
        [
            "identity('channel', 'orders')",
            "identity('a', data) || identity('b', data)",
            "text(data.a) == text(data.b)",
            "`5`",
            '`"text"`',
            " data.a ",
            "''",
            "'5'",
            "'true'",
            "'it\\'s'",
            "'a\nb'",
            "concat('a', data.b)",
        ]
    ),
    TEXTS.map(lambda text: "'" + text.replace("\\", "").replace("'", "\\'") + "'"),
)
NUMBERS = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
LEAVES = st.one_of(EXPRESSIONS, NUMBERS, st.booleans(), st.none(), st.just({}), st.just([]))
NODES = st.recursive(
    LEAVES,
    lambda node: st.lists(node, max_size=3) | st.dictionaries(NAMES, node, max_size=3),
    max_leaves=12,
)
BODIES = st.dictionaries(NAMES, NODES, max_size=4)


def compiles(body):
    try:
        compile_mapping(body)
    except MappingError:
        return False
    return True


@given(BODIES.filter(compiles))
@settings(deadline=None)
def test_a_body_becomes_rows_and_the_same_body_again(body):
    rows = rows_of_body(body)
    again = body_of_rows(rows)
    assert json.dumps(again) == json.dumps(body)
    assert rows_of_body(again) == rows


@given(st.lists(NAMES | st.integers(0, 9999), max_size=5), NAMES)
def test_a_path_of_names_and_positions_is_read_as_it_was_written(segments, first):
    path = (first, *segments)
    assert parse_field_path(format_field_path(path)) == path


@given(st.text(max_size=30))
def test_any_text_as_a_constant_stays_that_text(text):
    try:
        body = body_of_rows([Row("a", "constant", json.dumps(text))])
    except InvalidRows:  # what no mapping can hold: NUL, half of a surrogate pair
        assert not compiles({"a": "'" + text + "'"})
        return
    assert rows_of_body(body_of_rows(rows_of_body(body))) == rows_of_body(body)


@pytest.mark.parametrize(
    "action", [action for connector in CONNECTORS.values() for action in connector.actions]
)
def test_the_examples_of_all_actions_have_simple_rows(action):
    for body in (action.example, action.default, action.notice_mapping, action.report_mapping):
        assert body_of_rows(rows_of_body(body)) == body


@pytest.mark.parametrize(
    ("leaf", "row"),
    [
        ("data.total", Row("f", "path", "data.total")),
        ("data.items[0].sku", Row("f", "path", "data.items[0].sku")),
        ("text(data.total)", Row("f", "path", "data.total", "text")),
        ("format_date(occurred_at, 'YYYY-MM-DD')", Row("f", "path", "occurred_at", "date")),
        ("'#orders'", Row("f", "constant", "#orders")),
        ("'5'", Row("f", "constant", '"5"')),
        (5, Row("f", "constant", "5")),
        (True, Row("f", "constant", "true")),
        (None, Row("f", "constant", "null")),
        ([], Row("f", "constant", "[]")),
        ("''", Row("f", "constant", '""')),
        ("'line\nline'", Row("f", "constant", "line\nline")),
        ("identity('user', data.owner)", Row("f", "identity", "data.owner", "", "user")),
        ("concat('a', data.b)", Row("f", "expression", "concat('a', data.b)")),
        ("round(data.a, `1`)", Row("f", "expression", "round(data.a, `1`)")),
        ("`5`", Row("f", "expression", "`5`")),
    ],
)
def test_each_form_is_recognized_both_ways(leaf, row):
    assert rows_of_body({"f": leaf}) == [row]
    assert body_of_rows([row]) == {"f": leaf}


def test_a_constant_is_entered_without_quotes():
    rows = [
        Row("a", "constant", "it's"),
        Row("b", "constant", "C:\\"),
        Row("c", "constant", "1.50"),
    ]
    assert body_of_rows(rows) == {"a": "'it\\'s'", "b": '`"C:\\\\"`', "c": 1.5}


def test_fields_inside_of_objects_and_lists_have_paths():
    body = {"fields": {"Name": "data.name", "a.b": "data.x"}, "blocks": [{"type": "'section'"}]}
    paths = [row.path for row in rows_of_body(body)]
    assert paths == ["fields.Name", 'fields."a.b"', "blocks[0].type"]


def test_gaps_between_list_positions_are_closed():
    rows = [Row("list[7]", "constant", "b"), Row("list[2]", "constant", "a")]
    assert body_of_rows(rows) == {"list": ["'a'", "'b'"]}


# --- errors at the row ----------------------------------------------------------------------------


def errors(*rows):
    with pytest.raises(InvalidRows) as raised:
        body_of_rows(rows)
    return raised.value.errors


def test_every_row_with_an_error_has_its_own():
    found = errors(
        Row("channel", "constant", "#orders"),
        Row("", "path", "data.a"),
        Row("text", "path", "data a"),
        Row("more", "expression", "nothing(data)"),
        Row("user", "identity", "data.owner"),
        Row("empty", "constant", " "),
        Row("huge", "constant", "99999999999999999999999"),
    )
    assert sorted(found) == [1, 2, 3, 4, 5]
    assert found[3] == "The expression calls nothing(), which does not exist."
    assert found[5] == 'Enter a value, or "" for an empty text.'


def test_what_only_the_whole_mapping_shows_is_at_its_row_too():
    found = errors(Row("a", "path", "data.a"), Row("b", "constant", "99999999999999999999999"))
    assert found == {1: "The value is a whole number of more than 64 bits."}


@pytest.mark.parametrize(
    ("first", "second"),
    [("a", "a"), ("a", "a.b"), ("a.b", "a"), ("a[0]", "a.b"), ("a.b", "a[0]"), ("a[0]", "a[0]")],
)
def test_rows_that_exclude_each_other_are_refused_at_the_second(first, second):
    assert list(errors(Row(first, "path", "data"), Row(second, "path", "data"))) == [1]


@pytest.mark.parametrize(
    "path", ["a..b", ".a", "a.", "a[", "a[x]", "a[99999]", '"a', "a.b" * 300, "[0]", 'a"b']
)
def test_a_path_that_cannot_be_read_is_an_error_at_its_row(path):
    assert list(errors(Row(path, "path", "data"))) == [0]


def test_too_many_rows_are_refused_as_a_whole():
    with pytest.raises(InvalidRows) as raised:
        body_of_rows([Row(f"f{number}", "path", "data") for number in range(501)])
    assert raised.value.problem == "A mapping has at most 500 fields."
