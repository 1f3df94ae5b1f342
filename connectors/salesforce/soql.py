"""SOQL, built from parameters: every name is checked and every value is quoted.

https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/ (2026-11)
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

from connectors.conditions import (
    EQUAL,
    IN,
    LIST_TESTS,
    NOT_EQUAL,
    NOT_IN,
    NOT_NULL,
    NULL,
    NULL_TESTS,
    Condition,
    ConditionValue,
)
from connectors.salesforce.schema import ID_PATTERN

# Owner.Name
PATH_PATTERN = re.compile(
    r"[A-Za-z][A-Za-z0-9_]{0,79}(\.[A-Za-z][A-Za-z0-9_]{0,79}){0,5}", re.ASCII
)
NUMBER_PATTERN = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?", re.ASCII)
DATE_PATTERN = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
AGGREGATE_PATTERN = re.compile(
    r"(?:(?P<function>COUNT|COUNT_DISTINCT|SUM|AVG|MIN|MAX)\((?P<argument>[A-Za-z0-9_.]+)\)"
    r"|(?P<field>[A-Za-z0-9_.]+))(?:\s+(?P<alias>[A-Za-z][A-Za-z0-9_]{0,39}))?",
    re.ASCII,
)
ESCAPES = str.maketrans(
    {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"},
)
OPERATORS = {EQUAL: "=", NOT_EQUAL: "!=", IN: "IN", NOT_IN: "NOT IN", NULL: "=", NOT_NULL: "!="}
QUERY_LENGTH_MAX = 16_000  # characters: a URL may have 16,384 bytes


def quote_literal(value: str) -> str:
    return f"'{value.translate(ESCAPES)}'"


def format_datetime(value: str) -> str:
    """Convert an ISO 8601 time with offset to a SOQL literal in UTC. Raises ValueError."""
    at = datetime.fromisoformat(value)
    if at.tzinfo is None:
        raise ValueError("a time must include its UTC offset")
    at = at.astimezone(UTC)
    fraction = f".{at.microsecond // 1000:03d}" if at.microsecond else ""
    return f"{at:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def format_moment(value: str) -> str:
    """Convert a date or a time to a SOQL literal. Raises ValueError."""
    if DATE_PATTERN.fullmatch(value):
        return date.fromisoformat(value).isoformat()
    return format_datetime(value)


def format_number(value: str) -> str:
    """Return the digits of a number. Raises ValueError."""
    if not NUMBER_PATTERN.fullmatch(value):
        raise ValueError(f"{value[:80]!r} is not a number")
    return value


# of texts, by the type of the field in the schema; any other one takes a text in quotes
LITERALS: Mapping[str, Callable[[str], str]] = {
    "number": format_number,
    "date": format_moment,
    "datetime": format_moment,
}


def check_name(value: str) -> str:
    if not PATH_PATTERN.fullmatch(value):
        raise ValueError(f"{value[:80]!r} is not an API name")
    return value


def check_id(value: str) -> str:
    if not ID_PATTERN.fullmatch(value):
        raise ValueError(f"{value[:80]!r} is not an ID")
    return value


def split_names(text: str) -> list[str]:
    """Split names at commas. Raises ValueError for one that is not an API name."""
    return [check_name(name.strip()) for name in text.split(",") if name.strip()]


def build_value_condition(field: str, values: Sequence[str], *, type: str) -> str:
    """Build the condition that a field has one of the values. Raises ValueError for wrong ones."""
    format_literal = LITERALS.get(type, quote_literal)
    return f"{check_name(field)} IN ({', '.join(map(format_literal, values))})"


def build_equality_conditions(equals: Mapping[str, str]) -> list[str]:
    return [
        f"{check_name(name)} = {quote_literal(value)}" for name, value in sorted(equals.items())
    ]


def build_field_conditions(conditions: Sequence[Condition]) -> list[str]:
    """Build what fields must be. Raises ValueError for a name that is not an API name."""
    return [_build_field_condition(condition) for condition in conditions]


def _build_field_condition(condition: Condition) -> str:
    name, operator = check_name(condition.field), OPERATORS[condition.test]
    if condition.test in NULL_TESTS:
        return f"{name} {operator} null"
    values = [quote_value(value) for value in condition.values]
    if condition.test in LIST_TESTS:
        return f"{name} {operator} ({', '.join(values)})"
    return f"{name} {operator} {values[0]}"


def quote_value(value: ConditionValue) -> str:
    """Return a literal: a text in quotes, a number with its digits, true or false."""
    if isinstance(value, str):
        return quote_literal(value)
    return str(value).lower() if isinstance(value, bool) else f"{Decimal(str(value)):f}"


def build_period_conditions(field: str, since: str, until: str) -> list[str]:
    """Build the conditions of the half-open interval [since, until)."""
    name = check_name(field)
    conditions = [f"{name} >= {format_moment(since)}"] if since else []
    return [*conditions, *([f"{name} < {format_moment(until)}"] if until else [])]


def build_id_condition(ids: Sequence[str]) -> str:
    return f"Id IN ({', '.join(quote_literal(check_id(id)) for id in ids)})"


def build_select(
    columns: Sequence[str],
    object: str,
    conditions: Sequence[str],
    *,
    group: Sequence[str] = (),
    order: Sequence[str] = (),
    limit: int = 0,
) -> str:
    """Put the checked parts of a query together. Raises ValueError if it is too long."""
    parts = [f"SELECT {', '.join(columns)} FROM {check_name(object)}"]
    parts += [f"WHERE {' AND '.join(conditions)}"] if conditions else []
    parts += [f"GROUP BY {', '.join(group)}"] if group else []
    parts += [f"ORDER BY {', '.join(order)}"] if order else []
    parts += [f"LIMIT {limit}"] if limit else []
    query = " ".join(parts)
    if len(query) > QUERY_LENGTH_MAX:
        raise ValueError("the query is too long: select fewer fields or records")
    return query


def parse_aggregates(text: str) -> list[str]:
    """Parse the columns of an aggregate query, such as `Status, SUM(Amount) total`.

    Raises ValueError for anything but fields and aggregate functions of one field.
    """
    columns = []
    for entry in text.split(","):
        match = AGGREGATE_PATTERN.fullmatch(entry.strip())
        if match is None:
            raise ValueError(f"{entry.strip()[:80]!r} is neither a field nor a function of one")
        name = check_name(match["argument"] or match["field"])
        column = f"{match['function']}({name})" if match["function"] else name
        columns.append(f"{column} {match['alias']}" if match["alias"] else column)
    return columns
