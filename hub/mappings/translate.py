"""From the words of one system to the words of another: filters and field mappings, as pure functions.

A field mapping is a JSON object of any depth. Its texts are expressions; numbers, booleans and null are themselves.
The document that they read is {"id", "type", "tenant", "occurred_at", "data"}.
"""

import json
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Any

from hub.mappings.expressions.budget import Budget, OverBudget, Refused
from hub.mappings.expressions.functions import Functions, IdentityMissing, Lookup
from hub.mappings.expressions.language import Evaluation, Expression, clauses, read, subject, truthy
from hub.mappings.expressions.output import Output, short

__all__ = [
    "Budget",
    "CompiledFilter",
    "CompiledMapping",
    "Explanation",
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
LARGEST = 64 * KIBIBYTE
DEEPEST = 20
MOST_LEAVES = 500


class MappingError(ValueError):
    """Why a mapping or a filter cannot be saved; `path` is a JSON pointer into the mapping."""

    def __init__(self, path: str, expression: str, message: str) -> None:
        super().__init__(path, expression, message)
        self.path = path
        self.expression = expression
        self.message = message

    def __str__(self) -> str:
        return f"{self.path or 'the whole'}: {self.message}"


class MappingFailed(ValueError):
    """Why there is no result for this document; `value` is what was in the way, in at most 200 characters."""

    def __init__(self, path: str, expression: str, value: str, message: str) -> None:
        super().__init__(path, expression, value, message)
        self.path = path
        self.expression = expression
        self.value = value
        self.message = message

    def __str__(self) -> str:
        return f"{self.path or 'the whole'}: {self.message}{f': {self.value}' if self.value else ''}"


# --- mappings --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Leaf:
    path: str
    expression: Expression


@dataclass(frozen=True, slots=True)
class CompiledMapping:
    """Never changes, so it may be kept and shared between threads."""

    tree: Any = field(repr=False)  # the mapping with a Leaf for each expression
    leaves: tuple[Leaf, ...] = field(repr=False)
    asks_for_identities: bool = False


def compile_mapping(mapping: Any) -> CompiledMapping:
    """Raises MappingError with the first mistake."""
    if not isinstance(mapping, dict):
        raise MappingError("", "", "a field mapping is a JSON object")
    try:
        size = len(json.dumps(mapping, ensure_ascii=False).encode(errors="replace"))
    except (TypeError, ValueError, RecursionError) as error:
        raise MappingError("", "", "is not JSON, or nested too deeply") from error
    if size > LARGEST:
        raise MappingError("", "", f"is larger than {LARGEST // KIBIBYTE} KiB")
    compiler = _Compiler()
    tree = compiler.compiled(mapping, "", 0)
    asks = any("identity" in leaf.expression.calls for leaf in compiler.leaves)
    return CompiledMapping(tree, tuple(compiler.leaves), asks)


class _Compiler:
    def __init__(self) -> None:
        self.leaves: list[Leaf] = []
        self._ends = 0

    def compiled(self, node: Any, path: str, depth: int) -> Any:
        if depth > DEEPEST:
            raise MappingError(path, "", f"is nested deeper than {DEEPEST} levels")
        if isinstance(node, dict) and node:
            return {_key(key, path): self.compiled(child, _below(path, key), depth + 1) for key, child in node.items()}
        if isinstance(node, list) and node:
            return [self.compiled(child, _below(path, index), depth + 1) for index, child in enumerate(node)]
        self._ends += 1
        if self._ends > MOST_LEAVES:
            raise MappingError(path, "", f"has more than {MOST_LEAVES} fields")
        return self._leaf(node, path) if isinstance(node, str) else _literal(node, path)

    def _leaf(self, text: str, path: str) -> Leaf:
        leaf = Leaf(path, _read(text, path))
        self.leaves.append(leaf)
        return leaf


def _read(text: str, path: str) -> Expression:
    try:
        return read(text)
    except Refused as refused:
        raise MappingError(path, text, refused.message) from refused


def _literal(value: Any, path: str) -> Any:
    try:
        return Output().plain(value)
    except Refused as refused:
        raise MappingError(path, "", refused.message) from refused


def _key(key: Any, path: str) -> str:
    if not isinstance(key, str):
        raise MappingError(path, "", "has a key that is not text")
    return str(_literal(key, path))


def _below(path: str, key: object) -> str:
    return f"{path}/{str(key).replace('~', '~0').replace('/', '~1')}"


def translate(compiled: CompiledMapping, document: Document, *, zone: tzinfo, identities: Lookup) -> dict[str, Any]:
    """The mapping, filled in; null stays null. Raises MappingFailed or IdentityMissing, nothing else of its own."""
    evaluation, output = _evaluation(zone, identities), Output()
    return {key: _filled(child, document, evaluation, output) for key, child in compiled.tree.items()}


def _filled(node: Any, document: Document, evaluation: Evaluation, output: Output) -> Any:
    if isinstance(node, Leaf):
        return _value(node, document, evaluation, output)
    if isinstance(node, dict):
        return {key: _filled(child, document, evaluation, output) for key, child in node.items()}
    return [_filled(child, document, evaluation, output) for child in node] if isinstance(node, list) else node


def collect_identities(compiled: CompiledMapping, document: Document, zone: tzinfo) -> set[tuple[str, str]]:
    """The pairs of kind and value that `translate` will look up, so that those of many messages take one query.

    A foretaste, not a promise: an expression that chooses by what it found may ask for another.
    """
    found: set[tuple[str, str]] = set()
    if not compiled.asks_for_identities:
        return found

    def note(kind: str, value: str) -> str:
        found.add((kind, value))
        return value

    evaluation = _evaluation(zone, note)
    for leaf in compiled.leaves:
        if "identity" in leaf.expression.calls:
            with suppress(Refused):  # translate will say so
                evaluation.value(leaf.expression, document)
    return found


def _evaluation(zone: tzinfo, identities: Lookup, budget: Budget | None = None) -> Evaluation:
    return Evaluation(Functions(budget or Budget(), zone, identities))


def _value(leaf: Leaf, document: Document, evaluation: Evaluation, output: Output) -> Any:
    try:
        return output.plain(evaluation.value(leaf.expression, document))
    except Refused as refused:
        raise _failed(leaf.path, leaf.expression, refused) from refused


def _failed(path: str, expression: Expression, refused: Refused) -> MappingFailed:
    value = short(refused.offending[0]) if refused.offending else ""
    return MappingFailed(path, expression.text, value, refused.message)


# --- filters ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Explanation:
    """Whether a document passes; if not, the first clause that refused it, and the value that it looked at."""

    passed: bool
    clause: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class CompiledFilter:
    """Never changes, so it may be kept and shared between threads. Dates are in UTC."""

    expression: Expression
    clauses: tuple[Expression, ...] = field(repr=False)

    def passes(self, document: Document, *, budget: Budget | None = None) -> bool:
        """Raises MappingFailed. `budget`: what many documents share."""
        return truthy(_answer(self.expression, document, budget))

    def value(self, document: Document) -> Any:
        """What it comes to, as it is. Raises MappingFailed."""
        return _answer(self.expression, document)

    def explain(self, document: Document) -> Explanation:
        """Raises MappingFailed, naming the clause."""
        for clause in self.clauses:
            if not truthy(_answer(clause, document)):
                return Explanation(False, clause.text, short(_answer(subject(clause), document)))
        return Explanation(True)


def compile_filter(expression: str) -> CompiledFilter:
    """Raises MappingError."""
    whole = _read(expression, "")
    if "identity" in whole.calls:
        raise MappingError("", expression, "calls identity(), which a filter cannot: it is asked before the connection")
    return CompiledFilter(whole, tuple(clauses(whole)))


def _answer(expression: Expression, document: Document, budget: Budget | None = None) -> Any:
    try:
        return _evaluation(UTC, lambda kind, value: None, budget).value(expression, document)
    except Refused as refused:
        raise _failed("", expression, refused) from refused
