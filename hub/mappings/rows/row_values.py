"""One row of the table: a leaf of a mapping's body in the form in which people edit it.

`row_of_leaf` uses a form only if `leaf_of_row` converts it back to the same leaf, so nothing is
lost; a leaf without a simple form is shown as an expression.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from django.utils.translation import gettext as _

from hub.mappings.expressions.budget import ExpressionRefused
from hub.mappings.expressions.language import parse_expression
from hub.mappings.rows.converters import CONVERTERS
from hub.problems.strict_json import (
    TOO_MANY_DIGITS_TEXT,
    TooManyDigits,
    parse_storable_float,
)

RowKind = Literal["path", "constant", "expression", "identity"]
NAME_PATTERN = r'(?:[A-Za-z_][A-Za-z0-9_]*|"(?:[^"\\\x00-\x1f]|\\.)*")'
PATH = re.compile(rf"{NAME_PATTERN}(?:\.{NAME_PATTERN}|\[[0-9]+\])*", re.ASCII)
IDENTITY_CALL = re.compile(r"identity\('([^'\\]*)', (.+)\)", re.DOTALL)
UNQUOTED_TEXT = re.compile(r'[^\s"]|[^\s"][^\x00-\x09\x0b-\x1f]*[^\s]')


class InvalidRow(ValueError):
    """The value of a row cannot be used; the message explains why."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: a field of the other system, and the value that is written to it.

    `value` is a path, a constant as people write it, an expression, or the argument of an identity
    lookup. A constant is a number, true, false, null, {} or []; everything else is text. Text that
    looks like one of these is put in quotation marks.
    """

    path: str
    kind: RowKind
    value: str
    converter: str = ""  # of a path: a key of CONVERTERS
    identity_kind: str = ""  # of an identity, such as user


def leaf_of_row(row: Row) -> Any:
    """Return the leaf that the row describes. Raises InvalidRow."""
    if row.kind == "constant":
        constant = _parse_constant(row.value)
        return _quote_text(constant) if isinstance(constant, str) else constant
    if row.kind == "path":
        return _wrap_path(row)
    if row.kind == "identity":
        return _wrap_identity(row)
    return _check_expression(row.value)


def row_of_leaf(path: str, leaf: Any) -> Row:
    """Return the simplest row for this leaf that `leaf_of_row` converts back to it."""
    candidates = (
        _list_text_rows(path, leaf) if isinstance(leaf, str) else [_build_constant_row(path, leaf)]
    )
    for row in candidates:
        try:
            if _is_identical(leaf_of_row(row), leaf):
                return row
        except InvalidRow:
            continue
    return Row(path, "expression", leaf if isinstance(leaf, str) else _format_json(leaf))


def _is_identical(first: Any, second: Any) -> bool:
    """Compare two leaves: true is not 1, and 1 is not 1.0."""
    return type(first) is type(second) and repr(first) == repr(second)


def _list_text_rows(path: str, expression: str) -> Iterator[Row]:
    text = _unquote_text(expression)
    if text is not None:
        yield _build_constant_row(path, text)
    row = Row(path, "path", expression)
    yield row
    for converter in CONVERTERS.values():
        if inner := converter.unwrap(expression):
            yield replace(row, value=inner, converter=converter.key)
    if identity := IDENTITY_CALL.fullmatch(expression):
        yield Row(path, "identity", identity[2], identity_kind=identity[1])


# --- paths, expressions, identities ---------------------------------------------------------------


def _wrap_path(row: Row) -> str:
    if not PATH.fullmatch(row.value):
        raise InvalidRow(_("This is not a path such as data.customer.name."))
    if row.converter and row.converter not in CONVERTERS:
        raise InvalidRow(_("There is no such conversion."))
    wrapped = CONVERTERS[row.converter].wrap(row.value) if row.converter else row.value
    return _check_expression(wrapped)


def _wrap_identity(row: Row) -> str:
    if not row.identity_kind or {"'", "\\"} & set(row.identity_kind):
        raise InvalidRow(_("Enter the kind of the record, such as user or channel."))
    _check_expression(row.value)
    return _check_expression(f"identity('{row.identity_kind}', {row.value})")


def _check_expression(expression: str) -> str:
    try:
        parse_expression(expression)
    except ExpressionRefused as refused:
        raise InvalidRow(_("The expression %(problem)s.") % {"problem": refused.message}) from None
    return expression


# --- constants ------------------------------------------------------------------------------------


def _build_constant_row(path: str, value: Any) -> Row:
    return Row(path, "constant", format_constant(value))


def format_constant(value: Any) -> str:
    """Write a constant as people enter it."""
    if isinstance(value, str) and UNQUOTED_TEXT.fullmatch(value):
        try:
            is_read_as_text = _parse_constant(value) == value
        except InvalidRow:
            is_read_as_text = False
        if is_read_as_text:
            return value
    return _format_json(value)


def _format_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _parse_constant(text: str) -> Any:
    """Return the number, boolean, null, {} or [] that a text denotes, otherwise the text itself.

    Raises InvalidRow if the text is empty, begins with a quotation mark and is not JSON, or is a
    number with more digits than are stored.
    """
    if not text.strip():
        raise InvalidRow(_('Enter a value, or "" for an empty text.'))
    try:
        value = json.loads(text, parse_float=parse_storable_float, parse_constant=_refuse_constant)
    except TooManyDigits as refused:
        raise InvalidRow(_(TOO_MANY_DIGITS_TEXT) % {"number": refused.number}) from None
    except (ValueError, RecursionError):
        if text.startswith('"'):
            raise InvalidRow(_("Text in quotation marks is written as in JSON.")) from None
        return text
    return text if isinstance(value, list | dict) and value else value


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _quote_text(text: str) -> str:
    """Write a text as an expression: in single quotes, or as JSON if these do not allow it."""
    quoted = "'" + text.replace("'", "\\'") + "'"
    if _unquote_text(quoted) != text:
        quoted = "`" + json.dumps(text, ensure_ascii=False).replace("`", "\\`") + "`"
    return _check_expression(quoted)


def _unquote_text(expression: str) -> str | None:
    """Return the text if an expression is a constant text; None otherwise."""
    if not expression.startswith(("'", "`")):
        return None
    try:
        tree = parse_expression(expression).tree
    except ExpressionRefused:
        return None
    value = tree.get("value")
    return value if tree["type"] == "literal" and isinstance(value, str) else None
