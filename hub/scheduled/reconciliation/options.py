"""The options of a reconciliation: their check, and their parsed form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from connectors.conditions import Condition, parse_conditions, write_conditions
from connectors.roles import Collection
from hub.mappings.expressions.budget import ExpressionRefused
from hub.mappings.expressions.language import Expression, parse_expression
from hub.scheduled.reconciliation.declared_options import (
    DEFAULT_COUNT,
    DEFAULT_OVERLAP,
    DEFAULT_SHARE,
    RECONCILE_OPTIONS,
)


@dataclass(frozen=True)
class FieldRule:
    """How one field is compared, and which side's value is right.

    `values` maps our picklist values to the remote ones; `identity` is the kind of a reference.
    """

    name: str
    local: str  # an expression
    remote: str
    type: str = "text"
    owner: str = "report"  # ours, theirs, newer or report
    zone: str = "UTC"  # of dates, and of times without an offset
    values: Mapping[str, str] = field(default_factory=dict)
    ignore_case: bool = False
    identity: str = ""

    @cached_property
    def time_zone(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    @cached_property
    def folded_values(self) -> dict[str, str]:
        """Return the picklist values by our value in lower case, for fields that ignore case."""
        return {key.casefold(): value for key, value in self.values.items()}

    @cached_property
    def reversed_values(self) -> dict[str, str]:
        """Return our picklist values by the remote ones; if several map to one, the first."""
        return {theirs: ours for ours, theirs in reversed(list(self.values.items()))}


@dataclass(frozen=True, slots=True)
class SideOptions:
    """What is read on one side: a collection with its parameters, and conditions on fields."""

    collection: str
    query: Mapping[str, str]
    conditions: tuple[Condition, ...] = ()

    def build_query(self, collection: Collection) -> dict[str, str]:
        """Return the parameters of each read, with the conditions if the system applies them."""
        is_applied = collection.takes_conditions and self.conditions
        return dict(self.query) | (
            {"conditions": write_conditions(self.conditions)} if is_applied else {}
        )

    def is_selective(self, collection: Collection) -> bool:
        """Return whether records that do not meet conditions are not read."""
        return bool(self.conditions or collection.required_values(self.query))

    def select(
        self, collection: Collection, records: Sequence[Mapping[str, Any]]
    ) -> Sequence[Mapping[str, Any]]:
        """Return the records that meet the conditions, if the system does not apply them.

        A deleted record, which may have no fields any more, is returned in any case.
        """
        if collection.takes_conditions or not self.conditions:
            return records
        return [
            record
            for record in records
            if collection.is_deleted(record)
            or all(condition.accepts(record) for condition in self.conditions)
        ]


@dataclass(frozen=True, slots=True)
class MatchRule:
    """How records are matched: by an expression on each side, or by identities of a kind."""

    local: str = ""
    remote: str = ""
    identity: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """The number of changes that a run makes without confirmation."""

    share: float = DEFAULT_SHARE  # of the compared records
    count: int = DEFAULT_COUNT


@dataclass(frozen=True, slots=True)
class ReconcileOptions:
    local: SideOptions
    remote: SideOptions
    match: MatchRule
    fields: Sequence[FieldRule]
    applies_repairs: bool = False  # False: it proposes repairs
    is_incremental: bool = False
    overlap_minutes: int = DEFAULT_OVERLAP
    creates_here: bool = False
    creates_there: bool = False
    deletes_here: bool = False  # our record, whose counterpart was deleted
    deletes_there: bool = False
    limits: Limits = Limits()
    local_action: str = ""
    remote_action: str = ""

    def rule(self, name: str) -> FieldRule | None:
        """Return the rule of a field; None if it is not in the options any more."""
        return next((rule for rule in self.fields if rule.name == name), None)


def parse_reconcile_options(options: Mapping[str, Any]) -> ReconcileOptions:
    """Parse options that are valid by RECONCILE_OPTIONS."""
    values = RECONCILE_OPTIONS.fill(options)
    missing, deleted = values["missing"], values["deleted"]
    return ReconcileOptions(
        local=_parse_side(options["local"]),
        remote=_parse_side(options["remote"]),
        match=MatchRule(**values["match"]),
        fields=tuple(FieldRule(**entry) for entry in values["fields"]),
        applies_repairs=values["mode"] == "apply",
        is_incremental=values["read"] == "incremental",
        overlap_minutes=values["overlap_minutes"],
        creates_here=missing["here"] == "create",
        creates_there=missing["there"] == "create",
        deletes_here=deleted["here"] == "delete",
        deletes_there=deleted["there"] == "delete",
        limits=Limits(**values["limits"]),
        **values["repair"],
    )


def _parse_side(side: Mapping[str, Any]) -> SideOptions:
    return SideOptions(
        side["collection"],
        dict(side.get("query", {})),
        parse_conditions(side.get("conditions", ())),
    )


def parse_path(text: str) -> tuple[str, ...]:
    """Return the names of a plain path such as `customer.name`; empty for any other expression."""
    try:
        expression: Expression = parse_expression(text)
    except ExpressionRefused:
        return ()
    return expression.names
