"""Filters and field mappings as pure functions: compile, evaluate and explain each.

A field mapping is a JSON object of any depth. Its texts are expressions; numbers, booleans and null
stand for their own values. The document that expressions read is {"id", "type", "tenant",
"occurred_at", "data"}.
"""

import json
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Any

from hub.mappings.expressions.budget import Budget, ExpressionRefused, OverBudget
from hub.mappings.expressions.functions import Functions, IdentityMissing, Lookup
from hub.mappings.expressions.language import (
    Evaluation,
    Expression,
    find_clause_subject,
    is_truthy,
    parse_expression,
    split_clauses,
)
from hub.mappings.expressions.output import Output, format_excerpt

__all__ = [
    "Budget",
    "CompiledFilter",
    "CompiledMapping",
    "FilterExplanation",
    "IdentityMissing",
    "MappingError",
    "MappingFailed",
    "OverBudget",
    "collect_identities",
    "compile_filter",
    "compile_mapping",
    "translate",
]

Document = dict[str, Any]

KIBIBYTE = 1024
MAPPING_MAX_BYTES = 64 * KIBIBYTE
MAPPING_MAX_DEPTH = 20
MAPPING_MAX_LEAVES = 500
MAPPING_MAX_NODES = 5_000  # of the parsed expressions of all leaves


class MappingError(ValueError):
    """A mapping or filter does not compile; `path` is a JSON pointer into the mapping."""

    def __init__(self, path: str, expression: str, message: str) -> None:
        super().__init__(path, expression, message)
        self.path = path
        self.expression = expression
        self.message = message

    def __str__(self) -> str:
        return f"{self.path or 'the whole mapping'}: {self.message}"


class MappingFailed(ValueError):
    """An evaluation has no result; `value` is its cause, in at most 200 characters."""

    def __init__(self, path: str, expression: str, value: str, message: str) -> None:
        super().__init__(path, expression, value, message)
        self.path = path
        self.expression = expression
        self.value = value
        self.message = message

    def __str__(self) -> str:
        value = f": {self.value}" if self.value else ""
        return f"{self.path or 'the whole mapping'}: {self.message}{value}"


# --- mappings -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Leaf:
    path: str
    expression: Expression


@dataclass(frozen=True, slots=True)
class CompiledMapping:
    """A compiled mapping: immutable, so that threads share it in a cache."""

    tree: Any = field(repr=False)  # the mapping with a Leaf for each expression
    leaves: tuple[Leaf, ...] = field(repr=False)
    uses_identities: bool = False

    @property
    def node_count(self) -> int:
        return sum(leaf.expression.node_count for leaf in self.leaves)


def compile_mapping(mapping: Any) -> CompiledMapping:
    """Compile a mapping. Raises MappingError with the first error."""
    if not isinstance(mapping, dict):
        raise MappingError("", "", "a field mapping is a JSON object")
    try:
        size = len(json.dumps(mapping, ensure_ascii=False).encode(errors="replace"))
    except (TypeError, ValueError, RecursionError) as error:
        raise MappingError("", "", "is not JSON, or nested too deeply") from error
    if size > MAPPING_MAX_BYTES:
        raise MappingError("", "", f"is larger than {MAPPING_MAX_BYTES // KIBIBYTE} KiB")
    compiler = _Compiler()
    tree = compiler.compile_node(mapping, "", 0)
    uses_identities = any("identity" in leaf.expression.calls for leaf in compiler.leaves)
    return CompiledMapping(tree, tuple(compiler.leaves), uses_identities)


class _Compiler:
    def __init__(self) -> None:
        self.leaves: list[Leaf] = []
        self._leaf_count = 0
        self._node_count = 0

    def compile_node(self, node: Any, path: str, depth: int) -> Any:
        if depth > MAPPING_MAX_DEPTH:
            raise MappingError(path, "", f"is nested deeper than {MAPPING_MAX_DEPTH} levels")
        if isinstance(node, dict) and node:
            return {
                _check_key(key, path): self.compile_node(
                    child, _child_pointer(path, key), depth + 1
                )
                for key, child in node.items()
            }
        if isinstance(node, list) and node:
            return [
                self.compile_node(child, _child_pointer(path, index), depth + 1)
                for index, child in enumerate(node)
            ]
        self._leaf_count += 1
        if self._leaf_count > MAPPING_MAX_LEAVES:
            raise MappingError(path, "", f"has more than {MAPPING_MAX_LEAVES} fields")
        return (
            self._compile_leaf(node, path) if isinstance(node, str) else _copy_literal(node, path)
        )

    def _compile_leaf(self, text: str, path: str) -> Leaf:
        leaf = Leaf(path, _parse(text, path))
        self._node_count += leaf.expression.node_count
        if self._node_count > MAPPING_MAX_NODES:
            raise MappingError(
                path, "", f"has expressions of more than {MAPPING_MAX_NODES:,} names and operators"
            )
        self.leaves.append(leaf)
        return leaf


def _parse(text: str, path: str) -> Expression:
    try:
        return parse_expression(text)
    except ExpressionRefused as refused:
        raise MappingError(path, text, refused.message) from refused


def _copy_literal(value: Any, path: str) -> Any:
    try:
        return Output().copy_plain(value)
    except ExpressionRefused as refused:
        raise MappingError(path, "", refused.message) from refused


def _check_key(key: Any, path: str) -> str:
    if not isinstance(key, str):
        raise MappingError(path, "", "has a key that is not text")
    return str(_copy_literal(key, path))


def _child_pointer(path: str, key: object) -> str:
    return f"{path}/{str(key).replace('~', '~0').replace('/', '~1')}"


def translate(
    compiled: CompiledMapping, document: Document, *, zone: tzinfo, look_up_identity: Lookup
) -> dict[str, Any]:
    """Return the result of a mapping for a document; null stays null.

    Raises MappingFailed when an expression has no result, or IdentityMissing when an identity is
    unknown.
    """
    evaluation, output = _create_evaluation(zone, look_up_identity), Output()
    return {key: _fill(child, document, evaluation, output) for key, child in compiled.tree.items()}


def _fill(node: Any, document: Document, evaluation: Evaluation, output: Output) -> Any:
    if isinstance(node, Leaf):
        return _evaluate_leaf(node, document, evaluation, output)
    if isinstance(node, dict):
        return {key: _fill(child, document, evaluation, output) for key, child in node.items()}
    return (
        [_fill(child, document, evaluation, output) for child in node]
        if isinstance(node, list)
        else node
    )


def collect_identities(
    compiled: CompiledMapping, document: Document, zone: tzinfo
) -> set[tuple[str, str]]:
    """Return the pairs of kind and value that `translate` will probably look up.

    The lookups of many messages then take one query. An expression that chooses by the result of a
    lookup may need another pair.
    """
    pairs: set[tuple[str, str]] = set()
    if not compiled.uses_identities:
        return pairs

    def record_pair(kind: str, value: str) -> str:
        pairs.add((kind, value))
        return value

    evaluation = _create_evaluation(zone, record_pair)
    for leaf in compiled.leaves:
        if "identity" in leaf.expression.calls:
            with suppress(ExpressionRefused):  # translate raises it
                evaluation.value(leaf.expression, document)
    return pairs


def _create_evaluation(
    zone: tzinfo, look_up_identity: Lookup, budget: Budget | None = None
) -> Evaluation:
    return Evaluation(Functions(budget or Budget(), zone, look_up_identity))


def _evaluate_leaf(leaf: Leaf, document: Document, evaluation: Evaluation, output: Output) -> Any:
    try:
        return output.copy_plain(evaluation.value(leaf.expression, document))
    except ExpressionRefused as refused:
        raise _build_failure(leaf.path, leaf.expression, refused) from refused


def _build_failure(path: str, expression: Expression, refused: ExpressionRefused) -> MappingFailed:
    value = format_excerpt(refused.offending[0]) if refused.offending else ""
    return MappingFailed(path, expression.text, value, refused.message)


# --- filters --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FilterExplanation:
    """The result of a filter: whether a document passes, else the failed clause with its value."""

    passed: bool
    clause: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class CompiledFilter:
    """A compiled filter: immutable, so that threads share it in a cache. Dates are in UTC."""

    expression: Expression
    clauses: tuple[Expression, ...] = field(repr=False)

    @property
    def node_count(self) -> int:
        return self.expression.node_count + sum(clause.node_count for clause in self.clauses)

    def passes(self, document: Document, *, budget: Budget | None = None) -> bool:
        """Return whether the document passes; many documents may share one `budget`.

        Raises MappingFailed when the expression has no result.
        """
        return is_truthy(_evaluate_expression(self.expression, document, budget))

    def value(self, document: Document) -> Any:
        """Return the value of the expression. Raises MappingFailed when it has none."""
        return _evaluate_expression(self.expression, document)

    def explain(self, document: Document) -> FilterExplanation:
        """Explain the result. Raises MappingFailed with the clause when a clause has no result."""
        for clause in self.clauses:
            if not is_truthy(_evaluate_expression(clause, document)):
                return FilterExplanation(
                    False,
                    clause.text,
                    format_excerpt(_evaluate_expression(find_clause_subject(clause), document)),
                )
        return FilterExplanation(True)


def compile_filter(expression: str) -> CompiledFilter:
    """Compile a filter. Raises MappingError when it is invalid."""
    parsed = _parse(expression, "")
    if "identity" in parsed.calls:
        raise MappingError(
            "",
            expression,
            "calls identity(), which is not available in filters: they are evaluated "
            "before a connection is selected",
        )
    return CompiledFilter(parsed, tuple(split_clauses(parsed)))


def _evaluate_expression(
    expression: Expression, document: Document, budget: Budget | None = None
) -> Any:
    try:
        return _create_evaluation(UTC, lambda kind, value: None, budget).value(expression, document)
    except ExpressionRefused as refused:
        raise _build_failure("", expression, refused) from refused
