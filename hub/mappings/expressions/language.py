"""Read an expression, find its mistakes early, and work it out within a budget."""

import json
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Any

from jmespath import exceptions  # type: ignore[import-untyped]
from jmespath.lexer import Lexer  # type: ignore[import-untyped]
from jmespath.parser import Parser  # type: ignore[import-untyped]
from jmespath.visitor import TreeInterpreter  # type: ignore[import-untyped]

from hub.mappings.expressions.budget import Refused
from hub.mappings.expressions.functions import Functions
from hub.mappings.expressions.output import Output

Node = dict[str, Any]
Token = dict[str, Any]

LONGEST = 500
DEEPEST = 150  # each level costs two frames of Python's thousand

OPENING = {"lparen", "lbrace", "lbracket", "filter"}
CLOSING = {"rparen", "rbrace", "rbracket"}
# jmespath reads !a.b as (!a).b, which is always null: its "not" binds more tightly than its "dot" (1.1.0, 2026-10)
INSIDE = {"subexpression", "flatten", "value_projection", "filter_projection"}


@dataclass(frozen=True, slots=True)
class Expression:
    """Never changes, so it may be kept and shared between threads."""

    text: str
    tree: Node = field(repr=False)
    calls: frozenset[str] = frozenset()
    names: tuple[str, ...] = field(default=(), repr=False)  # where it is no more than names with dots between


class StrictLexer(Lexer):  # type: ignore[misc]
    """jmespath still takes any text in backticks for a string, with a warning; here they hold JSON."""

    def _consume_literal(self) -> Token:
        start = self._position
        source = self._consume_until("`").replace("\\`", "`")
        try:
            value = json.loads(source)
        except ValueError as error:
            raise exceptions.LexerError(start, source, "backticks hold JSON; text is written 'like this'") from error
        return {"type": "literal", "value": value, "start": start, "end": self._position - start}


# --- reading ---------------------------------------------------------------------------------------------------------


def read(text: str) -> Expression:
    """Raises Refused with the first mistake."""
    if len(text) > LONGEST:
        raise Refused(f"is longer than {LONGEST} characters")
    Output().plain(text)  # it is stored, and told in messages
    tree = _parsed(text)
    calls = frozenset(_checked(node, depth) for node, depth in _nodes(tree)) - {""}
    return Expression(text, tree, calls, names_of(tree))


def clauses(expression: Expression) -> list[Expression]:
    """The parts of a chain of && at the top, in their order; the expression itself where there is no such chain."""
    if expression.tree["type"] != "and_expression":
        return [expression]
    parts, start = [], 0
    tokens = _tokens(expression.text)
    for token, depth in zip(tokens, _depths(tokens), strict=True):
        if token["type"] == "and" and depth == 0:
            parts.append(expression.text[start : token["start"]])
            start = token["start"] + len("&&")
    return [read(part.strip()) for part in [*parts, expression.text[start:]]]


def names_of(tree: Node) -> tuple[str, ...]:
    """Of a path such as `data.customer.name`; empty where it is anything else."""
    if tree["type"] == "field":
        return (tree["value"],)
    if tree["type"] != "subexpression":
        return ()
    parts = [names_of(child) for child in tree["children"]]
    return tuple(name for part in parts for name in part) if all(parts) else ()


def subject(clause: Expression) -> Expression:
    """What a clause looks at: of `data.amount > `100`` it is `data.amount`."""
    if clause.tree["type"] in ("comparator", "not_expression", "function_expression"):
        for child in clause.tree["children"]:
            if child["type"] not in ("literal", "expref"):
                return replace(clause, tree=child, names=names_of(child))
    return clause


def truthy(value: Any) -> bool:
    """As JMESPath has it: 0 is something, false, null and whatever is empty are not."""
    return value is not None and value is not False and value not in ("", [], {})


def _tokens(text: str) -> list[Token]:
    return list(StrictLexer().tokenize(text))


def _depths(tokens: list[Token]) -> list[int]:
    return list(accumulate((token["type"] in OPENING) - (token["type"] in CLOSING) for token in tokens))


def _parsed(text: str) -> Node:
    try:
        tokens = _tokens(text)  # the parser has a lexer of its own, which is not strict
        if max(_depths(tokens)) > DEEPEST:
            raise Refused("is nested too deeply")
        tree: Node = Parser().parse(text).parsed
    except exceptions.EmptyExpressionError as error:
        raise Refused("is empty") from error
    except exceptions.LexerError as error:
        raise Refused(f"cannot be read at character {error.lex_position + 1}: {error.message}") from error
    except exceptions.ParseError as error:
        if error.token_type in ("EOF", None):
            raise Refused("ends too early") from error
        raise Refused(f"has “{error.token_value}” out of place, at character {error.lex_position + 1}") from error
    except RecursionError as error:
        raise Refused("is nested too deeply") from error
    return tree


def _nodes(tree: Node) -> Iterator[tuple[Node, int]]:
    waiting = [(tree, 1)]
    while waiting:
        node, depth = waiting.pop()
        yield node, depth
        waiting.extend((child, depth + 1) for child in node["children"] if isinstance(child, dict))


def _checked(node: Node, depth: int) -> str:
    """The name of the function that is called here, or nothing; raises Refused."""
    if depth > DEEPEST:
        raise Refused("is nested too deeply")
    if node["type"] == "literal":
        Output().plain(node["value"])
    if node["type"] == "slice" and node["children"][2] == 0:
        raise Refused("has a slice with a step of 0")
    if node["type"] in INSIDE and node["children"][0]["type"] == "not_expression":
        raise Refused("has a ! that would negate only the first name; write !(data.name)")
    return _checked_call(node) if node["type"] == "function_expression" else ""


def _checked_call(node: Node) -> str:
    name: str = node["value"]
    if name not in Functions.FUNCTION_TABLE:
        raise Refused(f"calls {name}(), which does not exist")
    takes, given = Functions.FUNCTION_TABLE[name]["signature"], len(node["children"])
    variadic = bool(takes[-1].get("variadic"))
    if given < len(takes) or (given > len(takes) and not variadic):
        raise Refused(f"calls {name}() with {given} arguments; it takes {len(takes)}{' or more' if variadic else ''}")
    return name


# --- working it out --------------------------------------------------------------------------------------------------

ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
}


class Evaluation(TreeInterpreter):  # type: ignore[misc]
    """jmespath's interpreter, counting. One serves all expressions of a message, so that they share its budget."""

    def __init__(self, functions: Functions) -> None:
        self._functions = functions
        self._budget = functions.budget
        self._dict_cls = dict

    def value(self, expression: Expression, document: Any) -> Any:
        """Raises Refused, or IdentityMissing."""
        if expression.names:
            return self._named(expression.names, document)
        try:
            return self.visit(expression.tree, document)
        except Refused:
            raise
        except exceptions.JMESPathTypeError as error:  # whose own text writes out the value, however large
            expected = " or ".join(error.expected_types)
            raise Refused(f"{error.function_name}() takes {expected}", error.current_value) from None
        except RecursionError:
            raise Refused("is nested too deeply") from None
        except ArithmeticError:
            raise Refused("has a number or a date that is too large") from None
        except (TypeError, ValueError) as error:
            raise Refused(f"mixes values that do not go together ({str(error)[:100]})") from None

    def _named(self, names: tuple[str, ...], value: Any) -> Any:
        """As the visits would find it, at the same price: nearly all of a mapping are such paths."""
        self._budget.spend(len(names) + (len(names) > 1))
        for name in names:
            value = value.get(name) if isinstance(value, dict) else None
        return value

    def visit(self, node: Node, value: Any) -> Any:
        self._budget.spend(1)
        return VISITS[node["type"]](self, node, value)

    def visit_comparator(self, node: Node, value: Any) -> bool | None:
        left, right = (self.visit(child, value) for child in node["children"])
        comparator = node["value"]
        if comparator == "eq":
            return self._budget.equal(left, right)
        if comparator == "ne":
            return not self._budget.equal(left, right)
        return ORDER[comparator](left, right) if _comparable(left, right) else None

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


def _comparable(left: Any, right: Any) -> bool:
    """Numbers among themselves and texts among themselves; anything else is neither more nor less."""
    if isinstance(left, bool) or isinstance(right, bool):
        return False
    return any(isinstance(left, kind) and isinstance(right, kind) for kind in (int | float, str))


VISITS: dict[str, Callable[..., Any]] = {
    name.removeprefix("visit_"): getattr(Evaluation, name) for name in dir(Evaluation) if name.startswith("visit_")
}
