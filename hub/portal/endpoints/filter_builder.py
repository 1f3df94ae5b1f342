"""Build a JMESPath filter from conditions. Pure."""

import re
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from connectors.http import encode_json, load_json

IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)

# comparisons of the list: the JMESPath, and whether a value is needed
COMPARISONS = {
    "is": (_("is"), "{path} == {value}"),
    "is_not": (_("is not"), "{path} != {value}"),
    "more": (_("is greater than"), "{path} > {value}"),
    "least": (_("is at least"), "{path} >= {value}"),
    "less": (_("is less than"), "{path} < {value}"),
    "most": (_("is at most"), "{path} <= {value}"),
    "begins": (_("starts with"), "starts_with(to_string({path} || ''), {value})"),
    "contains": (_("contains"), "contains(to_string({path} || ''), {value})"),
}
UNARY_TESTS = {
    "there": (_("exists"), "{path} != `null`"),
    "absent": (_("does not exist"), "{path} == `null`"),
}
MAX_NUMBER = 2**63  # a filter cannot hold a larger number
NUMERIC_COMPARISONS = {"more", "least", "less", "most"}  # JMESPath orders numbers only
TEXT_COMPARISONS = {"begins", "contains"}
COMPARISON_CHOICES = [
    (key, label) for key, (label, _written) in (COMPARISONS | UNARY_TESTS).items()
]


def build_condition(path: str, comparison: str, value: str) -> str:
    """Return one condition as JMESPath.

    Raises ValueError with a sentence for the user if it is invalid.
    """
    names = path.split(".")
    if not all(names):
        raise ValueError(_("Enter a field of the event, such as data.total."))
    jmespath = ".".join(name if IDENTIFIER.fullmatch(name) else encode_json(name) for name in names)
    if comparison in UNARY_TESTS:
        return UNARY_TESTS[comparison][1].format(path=jmespath)
    return COMPARISONS[comparison][1].format(path=jmespath, value=build_literal(comparison, value))


def build_literal(comparison: str, value: str) -> str:
    """Return the value as a JMESPath literal: numbers, true, false and null, otherwise a string."""
    parsed: Any = value if comparison in TEXT_COMPARISONS else parse_plain_value(value)
    if comparison in NUMERIC_COMPARISONS and (
        isinstance(parsed, bool) or not isinstance(parsed, int | float | Decimal)
    ):
        raise ValueError(_("This comparison requires a number."))
    if isinstance(parsed, str) and not {"'", "\\"} & set(parsed):
        return f"'{parsed}'"
    return "`" + encode_json(parsed).replace("`", "\\`") + "`"


def parse_plain_value(value: str) -> Any:
    try:
        parsed = load_json(value)
    except (ValueError, RecursionError):
        return value
    is_number = isinstance(parsed, int | float | Decimal)
    is_out_of_range = is_number and not abs(parsed) < MAX_NUMBER
    return value if is_out_of_range or isinstance(parsed, dict | list | str) else parsed


def join_filters(filter: str, operator: str, condition: str) -> str:
    """Join an existing filter and a condition with `and` or `or`."""
    if not filter.strip():
        return condition
    existing = f"({filter.strip()})" if "|" in filter else filter.strip()
    return f"{existing} {'||' if operator == 'or' else '&&'} {condition}"
