"""The language of filters and mappings: what it refuses, what its functions give, and that it
always ends.
"""

from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from hub.mappings.expressions.budget import Budget, ExpressionRefused
from hub.mappings.expressions.functions import NULL_PRESERVING, Functions, IdentityMissing
from hub.mappings.expressions.language import Evaluation, is_truthy, parse_expression, split_clauses
from hub.mappings.expressions.output import format_excerpt

BERLIN = ZoneInfo("Europe/Berlin")
PEOPLE = {("user", "7"): "U7"}


def evaluate(text, document=()):
    functions = Functions(Budget(), BERLIN, lambda kind, value: PEOPLE.get((kind, value)))
    return Evaluation(functions).value(parse_expression(text), document or {})


def piped(step, times):
    return "|".join([step] * times)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("upper('abc')", "ABC"),
        ("lower('ABC')", "abc"),
        ("trim('  abc ')", "abc"),
        ("replace('a-b-c', '-', '.')", "a.b.c"),
        ("replace('a.b', '.', '{0.__class__}')", "a{0.__class__}b"),
        ("split('a,b', ',')", ["a", "b"]),
        ("truncate('Hello world', `6`)", "Hello…"),
        ("truncate('Hello', `5`)", "Hello"),
        ("text(`7.0`)", "7"),
        ("text(`1e21`)", "1000000000000000000000"),
        ("text(`0.0000001`)", "0.0000001"),
        ("text(`true`)", "true"),
        ("""text(`{"a": [1, null]}`)""", '{"a":[1,null]}'),
        ("concat('Order ', `7`, `null`)", "Order 7"),
        ("default(`null`, 'friend')", "friend"),
        ("default('', 'friend')", "friend"),
        ("default(`0`, 'friend')", 0),
        ("join(', ', ['a', 'b'])", "a, b"),
        ("to_string(`[1]`)", "[1]"),
        ("contains('abc', 'b')", True),
        ("contains('abc', `1`)", False),
        ("contains(`[1, 2]`, `2`)", True),
        ("contains(`[1]`, `true`)", False),
    ],
)
def test_text(text, result):
    assert evaluate(text) == result


@pytest.mark.corrections(item="1.5")
@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("total == `1234567890123456.78`", True),
        ("total == `1234567890123456.79`", False),
        ("contains([total], `1234567890123456.78`)", True),
        ("type(total)", "number"),
    ],
)
def test_numbers_of_18_digits_are_compared_with_all_digits(text, result):
    document = {"total": Decimal("1234567890123456.78")}
    assert evaluate(text, document) == result


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("add(`0.1`, `0.2`)", 0.3),
        ("subtract(`3`, `1`)", 2),
        ("multiply('19.99', `3`)", 59.97),
        ("divide(`1999`, `100`)", 19.99),
        ("round(`2.345`, `2`)", 2.35),
        ("round(`-2.5`, `0`)", -3),
        ("format_number(`1234.5`, `2`)", "1234.50"),
        ("format_number(`1e20`, `0`)", "100000000000000000000"),
        ("money(`1234.5`, 'EUR')", "1,234.50 EUR"),
        ("money('1234567', 'jpy')", "1,234,567 JPY"),
        ("money(`1.0005`, 'KWD')", "1.001 KWD"),
        ("money(`-0.001`, 'EUR')", "0.00 EUR"),
    ],
)
def test_numbers(text, result):
    assert evaluate(text) == result


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("format_date('2026-10-01T12:00:00Z', 'YYYY-MM-DD HH:mm:ss')", "2026-10-01 14:00:00"),
        (
            "format_date('2026-10-01T22:30:00Z', 'dddd, D MMMM YYYY [at] h:mm A')",
            "Friday, 2 October 2026 at 12:30 AM",
        ),
        ("format_date('2026-10-01', 'YYYYMMDD Z ZZ')", "20261001 +02:00 +0200"),
        ("format_date('2026-01-02 12:00:00', 'ddd DD MMM YY HH')", "Fri 02 Jan 26 13"),
        ("format_date(`1790856000.25`, 'H:mm:ss.SSS')", "14:00:00.250"),
        ("to_zone('2026-10-01T12:00:00Z')", "2026-10-01T14:00:00+02:00"),
        ("epoch('2026-10-01T12:00:00Z')", 1790856000),
        ("epoch('2026-10-01T12:00:00.5+00:00')", 1790856000.5),
        ("epoch('2026-10-01')", 1790805600),
        ("date_add('2026-10-24T10:00:00Z', `1`, 'days')", "2026-10-25T12:00:00+01:00"),
        ("date_add('2026-10-24T10:00:00Z', `24`, 'hours')", "2026-10-25T11:00:00+01:00"),
    ],
)
def test_dates_are_formatted_in_the_tenants_zone(text, result):
    assert evaluate(text) == result


def test_seconds_are_never_written_scientifically():
    assert evaluate("to_string(epoch('2026-10-01T12:00:00.123Z'))") == "1790856000.123"


@pytest.mark.parametrize("value", ["'7'", "`7`", "`7.0`"])
def test_an_identity_is_looked_up_by_text_or_number(value):
    assert evaluate(f"identity('user', {value})") == "U7"


def test_an_unknown_identity_says_which():
    with pytest.raises(IdentityMissing) as missing:
        evaluate("identity('user', '8')")
    assert (missing.value.kind, missing.value.value) == ("user", "8")
    assert str(missing.value) == "no identity of kind user is known for 8"


def test_an_identity_that_no_database_can_be_asked_for_is_refused():
    with pytest.raises(ExpressionRefused, match="NUL"):
        evaluate("identity('user', name)", {"name": "a\0"})


@pytest.mark.parametrize("name", sorted(NULL_PRESERVING))
def test_null_in_null_out(name):
    takes = Functions.FUNCTION_TABLE[name]["signature"]
    assert evaluate(f"{name}({', '.join(['missing'] * len(takes))})", {}) is None


@pytest.mark.parametrize("name", sorted(NULL_PRESERVING | {"concat", "default"}))
def test_every_function_of_ours_has_a_manual(name):
    assert Functions.FUNCTION_TABLE[name]["function"].__doc__.startswith(f"{name}(")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("upper(`7`)", "upper() takes string"),
        ("sum(`[1, null]`)", "sum() takes array-number"),
        ("replace('a', '', 'b')", "replace() needs a text to search for"),
        ("split('a', '')", "split() needs a separator"),
        ("truncate('a', `0`)", "truncate() needs a whole number of at least 1 as length"),
        ("divide(`1`, `0`)", "divide() cannot divide by zero"),
        ("add('many', `1`)", "is not a number, or is too large"),
        ("money('NaN', 'EUR')", "is not a number, or is too large"),
        ("multiply(`1e39`, `1e39`)", "has a number or a date that is too large"),
        ("round(`1`, `99`)", "digits must be a whole number from 0 to 10"),
        ("money(`1`, 'euro')", "a currency must have three letters, such as EUR"),
        ("epoch('yesterday')", "is not a date in ISO 8601"),
        ("to_zone(`1e15`)", "has a number or a date that is too large"),
        (
            "format_date('2026-10-01', '%Y-%m-%d')",
            "format_date() takes a short pattern such as YYYY-MM-DD HH:mm",
        ),
        ("date_add('2026-10-01', `1`, 'months')", "date_add() takes minutes, hours, days or weeks"),
    ],
)
def test_a_wrong_argument_is_named(text, message):
    with pytest.raises(ExpressionRefused) as refused:
        evaluate(text)
    assert refused.value.message == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("  ", "is incomplete"),
        ("data.", "is incomplete"),
        ("data.[", "is incomplete"),
        ("data order", "has “order” out of place, at character 6"),
        ("{{7*7}}", "has “{” out of place, at character 2"),
        (
            "`plain text`",
            "cannot be read at character 1: backticks hold JSON; text is written 'like this'",
        ),
        ("`NaN`", "is NaN or infinite, which JSON does not have"),
        ("a\ud800", "has an unpaired surrogate, which cannot be encoded"),
        ("'a\0b'", "has a NUL character, which cannot be stored"),
        ('`"\\ud800"`', "has an unpaired surrogate, which cannot be encoded"),
        ("a[::0]", "has a slice with a step of 0"),
        ("__import__('os')", "calls __import__(), which does not exist"),
        ("data[?shout(name)]", "calls shout(), which does not exist"),
        ("!data.name", "has a ! that would negate only the first name; write !(data.name)"),
        ("!data.*", "has a ! that would negate only the first name; write !(data.name)"),
        ("!data[?x]", "has a ! that would negate only the first name; write !(data.name)"),
        ("!data[]", "has a ! that would negate only the first name; write !(data.name)"),
        ("upper()", "calls upper() with 0 arguments; it takes 1"),
        ("concat()", "calls concat() with 0 arguments; it takes 1 or more"),
        ("data." * 2000 + "id", "is longer than 500 characters"),
        ("(" * 3000 + "a" + ")" * 3000, "is longer than 500 characters"),
        ("(" * 151 + "a" + ")" * 151, "is nested too deeply"),
        ("!" * 499 + "a", "is nested too deeply"),
        ("`" + "[" * 240 + "]" * 240 + "`", "is nested deeper than 64 levels"),
    ],
)
def test_a_mistake_is_found_when_it_is_read(text, message):
    with pytest.raises(ExpressionRefused) as refused:
        parse_expression(text)
    assert refused.value.message == message


def test_no_expression_reaches_an_attribute():
    assert evaluate("data.__class__.__mro__", {"data": {}}) is None


@pytest.mark.parametrize(
    ("left", "right"), [("`1`", "'2'"), ("`true`", "`0`"), ("`null`", "`1`"), ("`[1]`", "`[2]`")]
)
def test_what_cannot_be_ordered_is_neither_more_nor_less(left, right):
    assert evaluate(f"[{left} < {right}, {left} >= {right}]", {}) == [None, None]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a", ["a"]),
        ("a && b == 'x && y' && (c && d)", ["a", "b == 'x && y'", "(c && d)"]),
        ("a[?x && y] && length([a, b][]) > `1`", ["a[?x && y]", "length([a, b][]) > `1`"]),
        ("a && b || c", ["a && b || c"]),
        ("a && b | c", ["a && b | c"]),
    ],
)
def test_a_chain_is_taken_apart_at_its_top(text, parts):
    assert [clause.text for clause in split_clauses(parse_expression(text))] == parts


@pytest.mark.parametrize(
    ("value", "answer"), [(0, True), ("a", True), ([0], True), (False, False), ("", False)]
)
def test_truth_is_jmespaths(value, answer):
    assert is_truthy(value) is answer


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": [1, None, "ü"]}, '{"a": [1, null, "ü"]}'),
        ("a\0\ud800", '"a\\u0000\\ud800"'),
        ([10**5000], "…"),
        (object(), '"…"'),
        ("x" * 5000, '"' + "x" * 198 + "…"),
    ],
)
def test_a_value_has_a_short_form(value, text):
    assert format_excerpt(value) == text


def test_even_an_exploding_value_has_a_short_form():
    assert len(format_excerpt(evaluate(piped("[@,@]", 60), {"id": 1}))) == 200
