"""Sums, counts and the like of records, by groups; as SOQL's aggregate functions define them.

https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/
sforce_api_calls_soql_select_agg_functions.htm (2026-11)
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sandbox.salesforce.checks import NUMBERS, Refusal
from sandbox.salesforce.schema import Field
from sandbox.salesforce.soql.conditions import malformed, sortable

Row = dict[str, Any]
GROUPS_MAX = 2000  # queryMore does not go on after an aggregate query


@dataclass(frozen=True)
class Column:
    """A field, or a function of one; `name` is empty for COUNT()."""

    name: str
    function: str = ""
    alias: str = ""


def total(values: list[Any]) -> float | None:
    return float(sum(map(decimal, values), Decimal())) if values else None


def mean(values: list[Any]) -> float | None:
    return float(sum(map(decimal, values), Decimal()) / len(values)) if values else None


def decimal(value: Any) -> Decimal:
    return Decimal(str(value))


FUNCTIONS: dict[str, Callable[[list[Any]], Any]] = {
    "COUNT": len,
    "COUNT_DISTINCT": lambda values: len({str(value).lower() for value in values}),
    "SUM": total,
    "AVG": mean,
    "MIN": lambda values: min(values, key=sortable, default=None),
    "MAX": lambda values: max(values, key=sortable, default=None),
}
OF_NUMBERS = ("SUM", "AVG")


def check_columns(
    columns: Iterable[Column], group: list[str], fields: Mapping[str, Field], limit: int | None
) -> None:
    """Raises Refusal where a column is neither grouped nor a function that its type allows."""
    for column in columns:
        if not column.function and column.name not in group:
            raise malformed(f"Field must be grouped or aggregated: {column.name}")
        if column.function in OF_NUMBERS and fields[column.name.lower()].type not in NUMBERS:
            raise malformed(
                f"field {column.name} does not support aggregate operator {column.function}"
            )
    if limit is not None and not group:
        raise malformed("Aggregate queries cannot use LIMIT without GROUP BY")


def aggregate(columns: list[Column], group: list[str], rows: Iterable[Row]) -> list[Row]:
    """One result for each group, in the order of their values; one for all without groups."""
    groups: dict[tuple[Any, ...], list[Row]] = {} if group else {(): []}
    for row in rows:
        groups.setdefault(tuple(row.get(name) for name in group), []).append(row)
    keys = sorted(groups, key=lambda values: [sortable(value) for value in values])
    return [result(columns, groups[key]) for key in keys]


def result(columns: list[Column], rows: list[Row]) -> Row:
    values: Row = {"attributes": {"type": "AggregateResult"}}
    unnamed = 0
    for column in columns:
        if not column.function:
            values[column.alias or column.name] = rows[0].get(column.name)
            continue
        present = [row[column.name] for row in rows if row.get(column.name) is not None]
        values[column.alias or f"expr{unnamed}"] = FUNCTIONS[column.function](present)
        unnamed += not column.alias
    return values


def check_count(groups: int) -> None:
    if groups > GROUPS_MAX:
        message = (
            "Aggregate query does not support queryMore(), use LIMIT to restrict the results to a "
            "single batch"
        )
        raise Refusal(400, "EXCEEDED_ID_LIMIT", message)
