"""Parse expressions, find their errors early, and evaluate them within a budget."""

import json
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import accumulate
from typing import Any

from jmespath import exceptions  # type: ignore[import-untyped]  # no stubs
from jmespath.lexer import Lexer  # type: ignore[import-untyped]  # no stubs
from jmespath.parser import Parser  # type: ignore[import-untyped]  # no stubs
from jmespath.visitor import TreeInterpreter  # type: ignore[import-untyped]  # no stubs

from connectors.http import parse_decimal
from hub.mappings.expressions.budget import ExpressionRefused
from hub.mappings.expressions.functions import Functions
from hub.mappings.expressions.output import Output

Node = dict[str, Any]
Token = dict[str, Any]

EXPRESSION_MAX_LENGTH = 500
EXPRESSION_MAX_DEPTH = 150  # each level costs two frames of Python's thousand

OPENING = {"lparen", "lbrace", "lbracket", "filter"}
CLOSING = {"rparen", "rbrace", "rbracket"}
# jmespath reads !a.b as (!a).b, which is always null: its "not" binds more tightly than its "dot"
# (1.1.0, 2026-10)
CHILD_BINDING_NODES = {"subexpression", "flatten", "value_projection", "filter_projection"}


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression: immutable, so that threads share it in a cache."""

    text: str
    tree: Node = field(repr=False)
    calls: frozenset[str] = frozenset()
    node_count: int = 1
    # where it is no more than names with dots between
    names: tuple[str, ...] = field(default=(), repr=False)


class UnusualNumber(ValueError):
    """A number that no database stores with its digits."""


def _parse_literal_number(digits: str) -> float | Decimal:
    number = parse_decimal(digits)
    if isinstance(number, str):
        raise UnusualNumber(digits)
    return number


class StrictLexer(Lexer):  # type: ignore[misc]  # jmespath has no types
    """Parse a literal as JSON; jmespath still accepts any text in backticks, with a warning."""

    def _consume_literal(self) -> Token:
        start = self._position
        source = self._consume_until("`").replace("\\`", "`")
        try:
            value = json.loads(source, parse_float=_parse_literal_number)
        except UnusualNumber as error:
            raise exceptions.LexerError(
                start, source, "a number has at most 34 digits, and 40 zeros before or behind them"
            ) from error
        except ValueError as error:
            raise exceptions.LexerError(
                start, source, "backticks hold JSON; text is written 'like this'"
            ) from error
        return {"type": "literal", "value": value, "start": start, "end": self._position - start}


class StrictParser(Parser):  # type: ignore[misc]  # jmespath has no types
    """Parse the tokens of StrictLexer; the lexer of jmespath's own parser rounds numbers."""

    def parse_tokens(self, tokens: list[Token]) -> Node:
        """Return the tree. Raises exceptions.ParseError."""
        self._tokens, self._index = tokens, 0
        tree: Node = self._expression(binding_power=0)
        if self._current_token() != "eof":
            token = self._lookahead_token(0)
            raise exceptions.ParseError(
                token["start"], token["value"], token["type"], "Unexpected token"
            )
        return tree


# --- reading --------------------------------------------------------------------------------------


def parse_expression(text: str) -> Expression:
    """Parse an expression. Raises ExpressionRefused with the first mistake."""
    if len(text) > EXPRESSION_MAX_LENGTH:
        raise ExpressionRefused(f"is longer than {EXPRESSION_MAX_LENGTH} characters")
    Output().copy_plain(text)  # it is stored, and quoted in messages
    tree = _parse_tree(text)
    calls = [_check_node(node, depth) for node, depth in _iterate_nodes(tree)]
    return Expression(
        text, tree, frozenset(calls) - {""}, node_count=len(calls), names=extract_path_names(tree)
    )


def split_clauses(expression: Expression) -> list[Expression]:
    """Return the operands of a chain of && at the top, or the expression itself."""
    if expression.tree["type"] != "and_expression":
        return [expression]
    parts, start = [], 0
    tokens = _tokenize(expression.text)
    for token, depth in zip(tokens, _compute_depths(tokens), strict=True):
        if token["type"] == "and" and depth == 0:
            parts.append(expression.text[start : token["start"]])
            start = token["start"] + len("&&")
    return [parse_expression(part.strip()) for part in [*parts, expression.text[start:]]]


def extract_path_names(tree: Node) -> tuple[str, ...]:
    """Return the names of a path such as `data.customer.name`; empty for any other expression."""
    if tree["type"] == "field":
        return (tree["value"],)
    if tree["type"] != "subexpression":
        return ()
    parts = [extract_path_names(child) for child in tree["children"]]
    return tuple(name for part in parts for name in part) if all(parts) else ()


def find_clause_subject(clause: Expression) -> Expression:
    """Return what a clause compares: for `data.amount > `100`` it is `data.amount`."""
    if clause.tree["type"] in ("comparator", "not_expression", "function_expression"):
        for child in clause.tree["children"]:
            if child["type"] not in ("literal", "expref"):
                return replace(clause, tree=child, names=extract_path_names(child))
    return clause


def is_truthy(value: Any) -> bool:
    """Return the truth value of JMESPath: 0 is true; false, null and empty values are not."""
    return value is not None and value is not False and value not in ("", [], {})


def _tokenize(text: str) -> list[Token]:
    return list(StrictLexer().tokenize(text))


def _compute_depths(tokens: list[Token]) -> list[int]:
    return list(
        accumulate((token["type"] in OPENING) - (token["type"] in CLOSING) for token in tokens)
    )


def _parse_tree(text: str) -> Node:
    try:
        tokens = _tokenize(text)
        if max(_compute_depths(tokens)) > EXPRESSION_MAX_DEPTH:
            raise ExpressionRefused("is nested too deeply")
        return StrictParser().parse_tokens(tokens)
    except exceptions.EmptyExpressionError as error:
        raise ExpressionRefused("is empty") from error
    except exceptions.LexerError as error:
        raise ExpressionRefused(
            f"cannot be read at character {error.lex_position + 1}: {error.message}"
        ) from error
    except exceptions.ParseError as error:
        if error.token_type in ("EOF", None):
            raise ExpressionRefused("is incomplete") from error
        raise ExpressionRefused(
            f"has “{error.token_value}” out of place, at character {error.lex_position + 1}"
        ) from error
    except RecursionError as error:
        raise ExpressionRefused("is nested too deeply") from error


def _iterate_nodes(tree: Node) -> Iterator[tuple[Node, int]]:
    pending = [(tree, 1)]
    while pending:
        node, depth = pending.pop()
        yield node, depth
        pending.extend((child, depth + 1) for child in node["children"] if isinstance(child, dict))


def _check_node(node: Node, depth: int) -> str:
    """Check one node of the tree, and return the name of the function that it calls, if any.

    Raises ExpressionRefused when the node is not allowed.
    """
    if depth > EXPRESSION_MAX_DEPTH:
        raise ExpressionRefused("is nested too deeply")
    if node["type"] == "literal":
        Output().copy_plain(node["value"])
    if node["type"] == "slice" and node["children"][2] == 0:
        raise ExpressionRefused("has a slice with a step of 0")
    if node["type"] in CHILD_BINDING_NODES and node["children"][0]["type"] == "not_expression":
        raise ExpressionRefused("has a ! that would negate only the first name; write !(data.name)")
    return _check_call(node) if node["type"] == "function_expression" else ""


def _check_call(node: Node) -> str:
    name: str = node["value"]
    if name not in Functions.FUNCTION_TABLE:
        raise ExpressionRefused(f"calls {name}(), which does not exist")
    signature, argument_count = Functions.FUNCTION_TABLE[name]["signature"], len(node["children"])
    variadic = bool(signature[-1].get("variadic"))
    if argument_count < len(signature) or (argument_count > len(signature) and not variadic):
        raise ExpressionRefused(
            f"calls {name}() with {argument_count} arguments; "
            f"it takes {len(signature)}{' or more' if variadic else ''}"
        )
    return name


# --- working it out -------------------------------------------------------------------------------

ORDER_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
}


class Evaluation(TreeInterpreter):  # type: ignore[misc]  # jmespath has no types
    """jmespath's interpreter with a count of its steps.

    One evaluation serves all expressions of a message, so that they share its budget.
    """

    def __init__(self, functions: Functions) -> None:
        self._functions = functions
        self._budget = functions.budget
        self._dict_cls = dict

    def value(self, expression: Expression, document: Any) -> Any:
        """Return the value of an expression. Raises ExpressionRefused, or IdentityMissing."""
        if expression.names:
            return self._follow_path(expression.names, document)
        try:
            return self.visit(expression.tree, document)
        except ExpressionRefused:
            raise
        except (
            exceptions.JMESPathTypeError
        ) as error:  # its own text contains the whole value, however large
            expected = " or ".join(error.expected_types)
            raise ExpressionRefused(
                f"{error.function_name}() takes {expected}", error.current_value
            ) from None
        except RecursionError:
            raise ExpressionRefused("is nested too deeply") from None
        except ArithmeticError:
            raise ExpressionRefused("has a number or a date that is too large") from None
        except (TypeError, ValueError) as error:
            raise ExpressionRefused(
                f"mixes values that do not go together ({str(error)[:100]})"
            ) from None

    def _follow_path(self, names: tuple[str, ...], value: Any) -> Any:
        """Evaluate a plain path, the most frequent expression, with the same result and cost."""
        self._budget.spend(len(names) + (len(names) > 1))
        for name in names:
            value = value.get(name) if isinstance(value, dict) else None
        return value

    def visit(self, node: Node, value: Any) -> Any:
        self._budget.spend(1)
        return VISITOR_BY_NODE_TYPE[node["type"]](self, node, value)

    def visit_comparator(self, node: Node, value: Any) -> bool | None:
        first, second = (self.visit(child, value) for child in node["children"])
        comparator = node["value"]
        if comparator == "eq":
            return self._budget.is_equal(first, second)
        if comparator == "ne":
            return not self._budget.is_equal(first, second)
        return ORDER_OPERATORS[comparator](first, second) if _is_comparable(first, second) else None

    def visit_flatten(self, node: Node, value: Any) -> Any:
        base = self.visit(node["children"][0], value)
        if not isinstance(base, list):
            return None
        merged: list[Any] = []
        for element in base:
            items = element if isinstance(element, list) else [element]
            self._budget.spend(len(items))
            merged.extend(items)
        return merged

    def visit_slice(self, node: Node, value: Any) -> Any:
        self._budget.spend_on(value)
        return super().visit_slice(node, value)


def _is_comparable(first: Any, second: Any) -> bool:
    """Return whether two values can be ordered: both are numbers, or both are texts."""
    if isinstance(first, bool) or isinstance(second, bool):
        return False
    kinds = (int | float | Decimal, str)
    return any(isinstance(first, kind) and isinstance(second, kind) for kind in kinds)


VISITOR_BY_NODE_TYPE: dict[str, Callable[..., Any]] = {
    name.removeprefix("visit_"): getattr(Evaluation, name)
    for name in dir(Evaluation)
    if name.startswith("visit_")
}
