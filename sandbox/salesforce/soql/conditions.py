"""The conditions of a query as a tree: whether a record meets them, and from where on it may."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal

from sandbox.salesforce.checks import Refusal

SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda have, want: have == want,
    "!=": lambda have, want: have != want,
    "<": lambda have, want: have is not None and want is not None and have < want,
    ">": lambda have, want: have is not None and want is not None and have > want,
    "<=": lambda have, want: have is not None and want is not None and have <= want,
    ">=": lambda have, want: have is not None and want is not None and have >= want,
    "LIKE": lambda have, want: have is not None and bool(like(want).fullmatch(str(have))),
}
LISTS = ("IN", "NOT IN")
CHANGED = "SystemModstamp"
LAST = "~"  # after every id
Row = dict[str, Any]


@dataclass(frozen=True)
class Comparison:
    name: str
    sign: str
    want: Any

    def holds(self, row: Row) -> bool:
        return holds(row.get(self.name), self.sign, self.want)

    def comparisons(self) -> Iterator["Comparison"]:
        yield self

    def changed_by(self, change: Callable[["Comparison"], "Comparison"]) -> "Comparison":
        return change(self)


@dataclass(frozen=True)
class Group:
    """Conditions of which all or one must hold."""

    word: Literal["AND", "OR"]
    parts: tuple["Condition", ...]

    def holds(self, row: Row) -> bool:
        results = (part.holds(row) for part in self.parts)
        return all(results) if self.word == "AND" else any(results)

    def comparisons(self) -> Iterator[Comparison]:
        for part in self.parts:
            yield from part.comparisons()

    def changed_by(self, change: Callable[[Comparison], Comparison]) -> "Group":
        return Group(self.word, tuple(part.changed_by(change) for part in self.parts))


Condition = Comparison | Group
EVERYTHING = Group("AND", ())


def first_id(condition: Condition) -> str:
    """An id that no record that meets the condition stands before."""
    if isinstance(condition, Comparison):
        is_bound = condition.name == "Id" and condition.sign in (">", ">=", "=")
        return str(condition.want or "") if is_bound else ""
    bounds = [first_id(part) for part in condition.parts]
    return (max if condition.word == "AND" else min)(bounds, default="")


def first_change(condition: Condition) -> tuple[str, str]:
    """The time of a change, and an id, that no record that meets the condition stands before."""
    if isinstance(condition, Comparison):
        return change_bound(condition)
    if condition.word == "OR":
        return min((first_change(part) for part in condition.parts), default=("", ""))
    stamp, id = max((first_change(part) for part in condition.parts), default=("", ""))
    is_one_moment = any(
        isinstance(part, Comparison) and (part.name, part.sign) == (CHANGED, "=")
        for part in condition.parts
    )
    return stamp, max(id, first_id(condition)) if is_one_moment else id


def change_bound(comparison: Comparison) -> tuple[str, str]:
    is_bound = comparison.name == CHANGED and comparison.sign in (">", ">=", "=")
    if not is_bound or not isinstance(comparison.want, datetime):
        return "", ""
    return stamp_of(comparison.want), LAST if comparison.sign == ">" else ""


def required(condition: Condition) -> Iterator[Comparison]:
    """The comparisons that every record must meet."""
    if isinstance(condition, Comparison):
        yield condition
    elif condition.word == "AND":
        for part in condition.parts:
            yield from required(part)


def stamp_of(moment: datetime) -> str:
    return (
        moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.")
        + f"{moment.microsecond // 1000:03d}+0000"
    )


def holds(have: Any, sign: str, want: Any) -> bool:
    if sign in LISTS:
        return any(holds(have, "=", one) for one in want) == (sign == "IN")
    try:
        return SIGNS[sign](*comparable(have, want))
    except TypeError:
        return False


def comparable(have: Any, want: Any) -> tuple[Any, Any]:
    """Text is compared without case, numbers as numbers, dates as moments."""
    if isinstance(want, datetime) and isinstance(have, str):
        return parse_moment(have), want
    if isinstance(want, date) and isinstance(have, str):
        return parse_moment(have).date(), want
    return lower(have), lower(want)


def lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def parse_moment(text: str) -> datetime:
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise malformed(f"invalid date: {text}") from None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def malformed(message: str) -> Refusal:
    return Refusal(400, "MALFORMED_QUERY", message)


def like(pattern: str) -> re.Pattern[str]:
    return re.compile(
        "".join({"%": ".*", "_": "."}.get(one, re.escape(one)) for one in pattern), re.I | re.S
    )


def sortable(value: Any) -> tuple[bool, bool, Any]:
    """Nulls first, then numbers, then text."""
    text = isinstance(value, str)
    return value is not None, text, value.lower() if text else value or 0
