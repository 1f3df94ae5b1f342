"""Convert records of a collection to keys and staged values, by the options of the job."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol

from hub.mappings.expressions.budget import Budget, ExpressionRefused
from hub.mappings.expressions.functions import Functions, IdentityMissing
from hub.mappings.expressions.language import Evaluation, Expression, parse_expression
from hub.mappings.missing_paths import get_value_at_path
from hub.scheduled.reconciliation.options import FieldRule, MatchRule, ReconcileOptions
from hub.scheduled.reconciliation.values.converters import (
    References,
    Unconverted,
    convert_local,
    convert_remote,
    format_scalar,
)
from hub.scheduled.reconciliation.values.record_keys import encode_key, encode_unmatched, format_key
from hub.scheduled.reconciliation.values.staged_values import (
    StagedValues,
    encode_staged,
    limit_value,
)

Record = Mapping[str, Any]
Accessor = Callable[[Record], Any]  # Raises ExpressionRefused


@dataclass(frozen=True, slots=True)
class StagedRow:
    """A record as it is stored: the sort key and the body."""

    key: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class PairedIds:
    """The identities that a page needs.

    `references`: the remote id by kind and local id. `keys`: the key by the id on this side; the
    key is the remote id.
    """

    references: References
    keys: Mapping[str, str]


class RecordSource(Protocol):
    """A collection's methods that read id, version and time of change from a record."""

    def record_id(self, record: Record) -> str: ...
    def changed_at(self, record: Record) -> datetime | None: ...
    def version(self, record: Record) -> str: ...
    def is_deleted(self, record: Record) -> bool: ...


class RecordExtractor:
    """Reads the compared values of one side's records. Compiled once for each run."""

    def __init__(
        self, options: ReconcileOptions, collection: RecordSource, *, is_local: bool
    ) -> None:
        self.is_local = is_local
        self.match: MatchRule = options.match
        self.rules: Sequence[FieldRule] = options.fields
        self._collection = collection
        side = "local" if is_local else "remote"
        self._key = (
            compile_accessor(getattr(options.match, side)) if not self.match.identity else None
        )
        self._fields = [compile_accessor(getattr(rule, side)) for rule in options.fields]

    def needed_identities(self, records: Iterable[Record]) -> set[tuple[str, str]]:
        """Return the pairs of kind and local id in the references of these records."""
        if not self.is_local:
            return set()
        return {
            (rule.identity, format_scalar(value).strip())
            for rule, accessor in zip(self.rules, self._fields, strict=True)
            if rule.type == "reference"
            for record in records
            if (value := _read_quietly(accessor, record)) not in (None, "")
        }

    def record_id(self, record: Record) -> str:
        return str(self._collection.record_id(record))

    def extract(self, record: Record, pairs: PairedIds) -> StagedRow:
        """Return the row of a record. Raises one of READ_ERRORS if it has no id."""
        record_id = self.record_id(record)
        key = self._find_key(record, record_id, pairs)
        encoded_key = (
            encode_key(key) if key else encode_unmatched(record_id, is_local=self.is_local)
        )
        deleted = self._collection.is_deleted(record)
        raw, canonical = self._read_fields(record, pairs) if not deleted else ([], [])
        values = StagedValues(
            record_id,
            canonical,
            raw,
            self._collection.version(record),
            self._collection.changed_at(record),
        )
        return StagedRow(encoded_key, encode_staged(values))

    def read_values(self, record: Record) -> dict[str, Any]:
        """Return the unconverted values of a record, by the names of the fields."""
        return {
            rule.name: _read_quietly(accessor, record)
            for rule, accessor in zip(self.rules, self._fields, strict=True)
        }

    def read_key(self, record: Record) -> str:
        """Return the value by which the record is matched; "" if matched by identity."""
        return format_key(_read_quietly(self._key, record)) if self._key else ""

    def _find_key(self, record: Record, record_id: str, pairs: PairedIds) -> str:
        if self._key is None:
            return format_key(pairs.keys.get(record_id))
        return format_key(_read_quietly(self._key, record))

    def _read_fields(self, record: Record, pairs: PairedIds) -> tuple[list[Any], list[Any]]:
        raw: list[Any] = []
        canonical: list[Any] = []
        for rule, accessor in zip(self.rules, self._fields, strict=True):
            try:
                value = accessor(record)
            except (ExpressionRefused, IdentityMissing) as error:
                raw.append(None)
                canonical.append(Unconverted("expression_failed", str(error)[:200]).canonical())
                continue
            raw.append(limit_value(value))
            canonical.append(
                convert_local(value, rule, pairs.references)
                if self.is_local
                else convert_remote(value, rule)
            )
        return raw, canonical


def compile_accessor(text: str) -> Accessor:
    """Compile an expression; frequent plain paths need no interpreter."""
    expression = parse_expression(text)
    if len(expression.names) == 1:
        (name,) = expression.names
        return lambda record: record.get(name)
    if expression.names:
        return partial(get_value_at_path, path=expression.names)
    return partial(_evaluate, expression)


def _evaluate(expression: Expression, record: Record) -> Any:
    functions = Functions(Budget(), UTC, _refuse_identity)
    return Evaluation(functions).value(expression, dict(record))


def _refuse_identity(kind: str, value: str) -> str | None:
    """Raise an error, as identities are looked up for references only, many at a time."""
    raise ExpressionRefused("calls identity(), which only references may use", value)


def _read_quietly(accessor: Accessor, record: Record) -> Any:
    """Return a value; None if the expression has none."""
    try:
        return accessor(record)
    except (ExpressionRefused, IdentityMissing):
        return None
