"""A small, honest part of SOQL: what is not understood is MALFORMED_QUERY, never guessed.

SELECT a, b | COUNT() FROM Object [WHERE a = 'x' [AND …]] [ORDER BY a [ASC|DESC], …] [LIMIT n]
[OFFSET n] Comparisons: = != < <= > >= LIKE IN NOT IN; values: text, number, true, false, null,
date, datetime.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from sandbox.salesforce.checks import Refusal

TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^'\\]|\\.)*')|(?P<moment>\d{4}-\d\d-\d\d(?:T[0-9:.]+(?:Z|[+-]\d\d:?\d\d))?)"
    r"|(?P<number>-?\d+(?:\.\d+)?)|(?P<word>[A-Za-z][A-Za-z0-9_.]*)|(?P<sign><=|>=|!=|<>|[=<>(),]))"
)
CONSTANTS = {"TRUE": True, "FALSE": False, "NULL": None}
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
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


@dataclass
class Query:
    fields: list[str]  # empty: COUNT()
    object: str
    conditions: list[tuple[str, str, Any]] = field(default_factory=list)
    order: list[tuple[str, bool]] = field(default_factory=list)  # name, descending
    limit: int | None = None
    offset: int = 0

    @property
    def names(self) -> list[str]:
        return [
            *self.fields,
            *(name for name, _, _ in self.conditions),
            *(name for name, _ in self.order),
        ]

    def of(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The rows that it selects, whole, in its order."""
        fields = [
            row
            for row in rows
            if all(holds(row.get(name), sign, want) for name, sign, want in self.conditions)
        ]
        for name, descending in reversed(self.order):
            fields.sort(key=lambda row: sortable(row.get(name)), reverse=descending)
        end = None if self.limit is None else self.offset + self.limit
        return fields[self.offset : end]


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
        fields = self._fields()
        self._expect("FROM")
        query = Query(fields, self._name())
        if self._skip("WHERE"):
            query.conditions = self._many(self._condition, "AND")
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

    def _fields(self) -> list[str]:
        names = self._many(self._name, ",")
        if names == ["COUNT"] and self._skip("("):
            self._expect(")")
            return []
        return names

    def _condition(self) -> tuple[str, str, Any]:
        name = self._name()
        sign = self._take()[1].upper().replace("<>", "!=")
        if sign == "NOT":
            self._expect("IN")
            sign = "NOT IN"
        if sign not in SIGNS and sign not in LISTS:
            raise malformed(f"unexpected token: '{sign}'")
        if sign not in LISTS:
            return name, sign, self._value()
        self._expect("(")
        values = self._many(self._value, ",")
        self._expect(")")
        return name, sign, values

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
            return moment(text) if "T" in text else moment(text).date()
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

    def _skip(self, word: str) -> bool:
        if self._tokens and self._tokens[0][0] != "text" and self._tokens[0][1].upper() == word:
            self._tokens.pop(0)
            return True
        return False

    def _expect(self, word: str) -> None:
        if not self._skip(word):
            raise malformed(
                f"expecting {word}, found '{self._tokens[0][1] if self._tokens else '<EOF>'}'"
            )


def malformed(message: str) -> Refusal:
    return Refusal(400, "MALFORMED_QUERY", message)


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
        return moment(have), want
    if isinstance(want, date) and isinstance(have, str):
        return moment(have).date(), want
    return lower(have), lower(want)


def lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def moment(text: str) -> datetime:
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise malformed(f"invalid date: {text}") from None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def like(pattern: str) -> re.Pattern[str]:
    return re.compile(
        "".join({"%": ".*", "_": "."}.get(one, re.escape(one)) for one in pattern), re.I | re.S
    )


def sortable(value: Any) -> tuple[bool, bool, Any]:
    """Nulls first, then numbers, then text."""
    text = isinstance(value, str)
    return value is not None, text, value.lower() if text else value or 0
