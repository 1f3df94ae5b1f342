"""A parser of a part of SOQL; anything else is MALFORMED_QUERY.

SELECT a, b | COUNT() | a, SUM(b) total FROM Object [WHERE a = 'x' [AND …]] [GROUP BY a, …] [ORDER
BY a [ASC|DESC], …] [LIMIT n] [OFFSET n].

Comparisons: = != < <= > >= LIKE IN NOT IN, joined by AND or by OR, with parentheses where both are
mixed; values: text, number, true, false, null, date, datetime. Functions: COUNT COUNT_DISTINCT SUM
AVG MIN MAX.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from sandbox.salesforce.soql.aggregates import FUNCTIONS, Column
from sandbox.salesforce.soql.conditions import (
    EVERYTHING,
    LISTS,
    SIGNS,
    Comparison,
    Condition,
    Group,
    malformed,
    parse_moment,
    sortable,
)

TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^'\\]|\\.)*')"
    r"|(?P<moment>\d{4}-\d\d-\d\d(?:T[0-9:.]+(?:Z|[+-]\d\d:?\d\d))?)"
    r"|(?P<number>-?\d+(?:\.\d+)?)|(?P<word>[A-Za-z][A-Za-z0-9_.]*)|(?P<sign><=|>=|!=|<>|[=<>(),]))"
)
CONSTANTS = {"TRUE": True, "FALSE": False, "NULL": None}
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


@dataclass
class Query:
    """`aggregates` are the columns where one of them is a function; `fields` is empty then, and for
    COUNT().
    """

    fields: list[str]
    object: str
    where: Condition = EVERYTHING
    aggregates: list[Column] = field(default_factory=list)
    group: list[str] = field(default_factory=list)
    order: list[tuple[str, bool]] = field(default_factory=list)  # name, descending
    limit: int | None = None
    offset: int = 0

    @property
    def names(self) -> list[str]:
        return [
            *self.fields,
            *(column.name for column in self.aggregates if column.name),
            *(comparison.name for comparison in self.where.comparisons()),
            *self.group,
            *(name for name, _ in self.order),
        ]

    def of(self, rows: Iterable[dict[str, Any]], *, ordered: bool = False) -> list[dict[str, Any]]:
        """The rows that it selects, whole, in its order; `ordered` rows stand in it already."""
        selected = (row for row in rows if self.where.holds(row))
        end = None if self.limit is None else self.offset + self.limit
        if ordered:
            return take(selected, self.offset, end)
        columns = list(selected)
        for name, descending in reversed(self.order):
            columns.sort(key=lambda row: sortable(row.get(name)), reverse=descending)
        return columns[self.offset : end]


def take(rows: Iterator[dict[str, Any]], start: int, end: int | None) -> list[dict[str, Any]]:
    page: list[dict[str, Any]] = []
    if end == 0:
        return page
    for row in rows:
        page.append(row)
        if len(page) == end:
            break
    return page[start:]


def field_names(columns: list[Column]) -> list[str]:
    if any(column.alias for column in columns):
        raise malformed("only aggregate expressions and grouped fields can have an alias")
    return [column.name for column in columns]


def parse(text: str) -> Query:
    return Parser(text).query()


class Parser:
    def __init__(self, text: str):
        self._tokens: list[tuple[str, str]] = []
        position, text = 0, text.rstrip()
        while position < len(text):
            match = TOKEN.match(text, position)
            if match is None:
                raise malformed(f"unexpected token: '{text[position : position + 20].strip()}'")
            self._tokens.append((str(match.lastgroup), match[str(match.lastgroup)]))
            position = match.end()

    def query(self) -> Query:
        self._expect("SELECT")
        columns = self._columns()
        self._expect("FROM")
        query = Query([], self._name())
        if self._skip("WHERE"):
            query.where = self._conditions()
        if self._skip("GROUP"):
            self._expect("BY")
            query.group = self._many(self._name, ",")
        if query.group or any(column.function for column in columns):
            query.aggregates = columns
        else:
            query.fields = field_names(columns)
        if self._skip("ORDER"):
            self._expect("BY")
            query.order = self._many(self._ordering, ",")
        if self._skip("LIMIT"):
            query.limit = self._count()
        if self._skip("OFFSET"):
            query.offset = self._count()
        if self._tokens:
            raise malformed(f"unexpected token: '{self._tokens[0][1]}'")
        return query

    def _columns(self) -> list[Column]:
        """None for COUNT() alone."""
        columns = self._many(self._column, ",")
        if len(columns) == 1 and columns[0].function == "COUNT" and not columns[0].name:
            return []
        if any(column.function and not column.name for column in columns):
            raise malformed("COUNT() must be the only element in the SELECT list")
        return columns

    def _column(self) -> Column:
        name, function = self._name(), ""
        if name.upper() in FUNCTIONS and self._skip("("):
            function, name = name.upper(), ""
            if not self._skip(")"):
                name = self._name()
                self._expect(")")
        is_alias = self._tokens and self._tokens[0][0] == "word"
        alias = self._name() if is_alias and self._tokens[0][1].upper() != "FROM" else ""
        return Column(name, function, alias)

    def _conditions(self) -> Condition:
        """All of a list joined by one word: AND and OR side by side need parentheses."""
        parts = [self._part()]
        word: Literal["AND", "OR"] = "OR" if self._is_next("OR") else "AND"
        while self._skip(word):
            parts.append(self._part())
        if self._is_next("AND") or self._is_next("OR"):
            raise malformed("unexpected token: AND and OR need parentheses around them")
        return parts[0] if len(parts) == 1 else Group(word, tuple(parts))

    def _part(self) -> Condition:
        if not self._skip("("):
            return self._comparison()
        inner = self._conditions()
        self._expect(")")
        return inner

    def _comparison(self) -> Comparison:
        name = self._name()
        sign = self._take()[1].upper().replace("<>", "!=")
        if sign == "NOT":
            self._expect("IN")
            sign = "NOT IN"
        if sign not in SIGNS and sign not in LISTS:
            raise malformed(f"unexpected token: '{sign}'")
        if sign not in LISTS:
            return Comparison(name, sign, self._value())
        self._expect("(")
        values = self._many(self._value, ",")
        self._expect(")")
        return Comparison(name, sign, values)

    def _ordering(self) -> tuple[str, bool]:
        name = self._name()
        descending = self._skip("DESC")
        if not descending:
            self._skip("ASC")
        if self._skip("NULLS") and not self._skip("FIRST"):
            self._expect("LAST")
        return name, descending

    def _many(self, one: Callable[[], Any], between: str) -> list[Any]:
        token = [one()]
        while self._skip(between):
            token.append(one())
        return token

    def _value(self) -> Any:
        kind, text = self._take()
        if kind == "text":
            return re.sub(r"\\(.)", lambda match: ESCAPES.get(match[1], match[1]), text[1:-1])
        if kind == "number":
            return float(text)
        if kind == "moment":
            return parse_moment(text) if "T" in text else parse_moment(text).date()
        if kind == "word" and text.upper() in CONSTANTS:
            return CONSTANTS[text.upper()]
        raise malformed(f"unexpected token: '{text}'")

    def _name(self) -> str:
        kind, text = self._take()
        if kind != "word":
            raise malformed(f"unexpected token: '{text}'")
        return text

    def _count(self) -> int:
        kind, text = self._take()
        if kind != "number" or not text.isdigit():
            raise malformed(f"unexpected token: '{text}'")
        return int(text)

    def _take(self) -> tuple[str, str]:
        if not self._tokens:
            raise malformed("unexpected token: '<EOF>'")
        return self._tokens.pop(0)

    def _is_next(self, word: str) -> bool:
        return bool(
            self._tokens and self._tokens[0][0] != "text" and self._tokens[0][1].upper() == word
        )

    def _skip(self, word: str) -> bool:
        is_next = self._is_next(word)
        if is_next:
            self._tokens.pop(0)
        return is_next

    def _expect(self, word: str) -> None:
        if not self._skip(word):
            raise malformed(
                f"expecting {word}, found '{self._tokens[0][1] if self._tokens else '<EOF>'}'"
            )
