"""Check the used objects of one connection: read each again, compare, and store the findings."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from connectors.object_schemas import SchemaField
from connectors.outcomes import Outcome
from hub.connections.credentials.provider_call import Call, Patience
from hub.connections.models import Connection
from hub.drift.comparison import Drift, advance_baseline, build_object_drift, find_drift
from hub.drift.findings import resolve_findings, store_findings
from hub.drift.models import DriftFinding, SchemaBaseline
from hub.drift.uses.connection_uses import UsesByObject, find_connection_uses
from hub.drift.uses.schema_use import SchemaUse, fold_key
from hub.schemas.models import ObjectSchema, dump_fields
from hub.schemas.object_schemas import (
    find_object_schema,
    read_object_keys,
    refresh_object_schema,
)

OBJECTS_MAX = 50  # of one connection; further ones are not checked
# outcomes after which no other object can be read either
STOPPING_KINDS = ("refresh", "reconnect", "disable")
STOPPING_REASONS = ("throttled", "busy")


@dataclass(frozen=True, slots=True)
class SchemaCheckContext:
    """The clients, clock and limits of a check. `is_late`: leave the rest to a later check."""

    call: Call
    clock: Callable[[], datetime]
    patience: Patience | None = None
    low_priority: bool = False
    is_late: Callable[[], bool] = lambda: False


@dataclass(frozen=True, slots=True)
class Comparison:
    """The changes of an object; `fields` is the baseline of the next comparison."""

    object_key: str
    label: str
    fields: Sequence[SchemaField]
    drifts: Sequence[Drift] = ()


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The objects that were compared; `failures`: the Outcomes of objects not read."""

    compared_objects: tuple[str, ...]
    failures: tuple[tuple[str, Outcome], ...] = ()
    unread_objects: tuple[str, ...] = ()  # objects that were not read

    @property
    def is_complete(self) -> bool:
        return not self.failures and not self.unread_objects


def check_connection_objects(connection: Connection, context: SchemaCheckContext) -> CheckResult:
    """Check each used object, in the order of the oldest comparison.

    Baselines of objects that are not used any more are deleted, and their findings resolved. No
    transaction may be open.
    """
    uses = find_connection_uses(connection)
    _forget_unused_objects(connection, uses, now=context.clock())
    waiting = _sort_by_age(connection, uses)[:OBJECTS_MAX]
    compared: list[str] = []
    failures: list[tuple[str, Outcome]] = []
    while waiting and not context.is_late():
        object_key = waiting.pop(0)
        outcome = check_object(connection, object_key, uses[object_key], context)
        if outcome is None:
            compared.append(object_key)
            continue
        failures.append((object_key, outcome))
        if outcome.kind in STOPPING_KINDS or outcome.reason in STOPPING_REASONS:
            break
    return CheckResult(tuple(compared), tuple(failures), tuple(waiting))


def check_object(
    connection: Connection, object_key: str, uses: Sequence[SchemaUse], context: SchemaCheckContext
) -> Outcome | None:
    """Read an object's fields and compare them; return the Outcome if they cannot be read.

    A failed or incomplete read yields no finding. If fields are missing, they are read a second
    time, and only differences that both reads show become findings. An object counts as removed if
    its system neither describes nor lists it.
    """
    baseline = SchemaBaseline.unscoped.filter(connection=connection, object_key=object_key).first()
    earlier = baseline or find_object_schema(connection, object_key)
    comparison = _compare_object(connection, object_key, earlier, uses, context)
    if isinstance(comparison, Outcome):
        _record_failure(baseline, comparison, now=context.clock())
        return comparison
    _store_comparison(connection, baseline, comparison, now=context.clock())
    return None


def _compare_object(
    connection: Connection,
    object_key: str,
    earlier: SchemaBaseline | ObjectSchema | None,
    uses: Sequence[SchemaUse],
    context: SchemaCheckContext,
) -> Comparison | Outcome:
    schema = _read_fields(connection, object_key, context)
    if isinstance(schema, Outcome):
        return _confirm_removal(connection, earlier, schema, uses, context) if earlier else schema
    if earlier is None:
        return Comparison(object_key, schema.label, schema.schema_fields)
    before = earlier.schema_fields
    drifts = find_drift(before, schema.schema_fields, uses)
    if _has_new_losses(connection, object_key, drifts):
        schema = _read_fields(connection, object_key, context)
        if isinstance(schema, Outcome):
            return schema
        again = find_drift(before, schema.schema_fields, uses)
        drifts = [drift for drift in again if _is_among(drift, drifts)]
    fields = advance_baseline(before, schema.schema_fields, drifts)
    return Comparison(object_key, schema.label, fields, drifts)


def _confirm_removal(
    connection: Connection,
    earlier: SchemaBaseline | ObjectSchema,
    refusal: Outcome,
    uses: Sequence[SchemaUse],
    context: SchemaCheckContext,
) -> Comparison | Outcome:
    """Return the removal of an object that its system neither describes nor lists.

    Otherwise return the Outcome of the failed read, and keep the baseline.
    """
    schema = connection.connector.schema
    if schema is None or refusal.reason not in schema.missing_object_reasons:
        return refusal
    keys = read_object_keys(
        connection,
        call=context.call,
        now=context.clock(),
        low_priority=context.low_priority,
        patience=context.patience,
    )
    if isinstance(keys, Outcome):
        return keys
    if not keys or fold_key(earlier.object_key) in map(fold_key, keys):
        return refusal
    removal = build_object_drift(uses)
    return Comparison(earlier.object_key, earlier.label, earlier.schema_fields, [removal])


def _read_fields(
    connection: Connection, object_key: str, context: SchemaCheckContext
) -> ObjectSchema | Outcome:
    return refresh_object_schema(
        connection,
        object_key,
        call=context.call,
        now=context.clock(),
        low_priority=context.low_priority,
        patience=context.patience,
    )


def _has_new_losses(connection: Connection, object_key: str, drifts: Sequence[Drift]) -> bool:
    """Return whether fields are missing that existed at the last comparison."""
    gone = {drift.field_key for drift in drifts if drift.change in DriftFinding.GONE}
    known = DriftFinding.unscoped.filter(
        connection=connection,
        object_key=object_key,
        change__in=DriftFinding.GONE,
        resolved_at=None,
    )
    return bool(gone) and bool(gone - set(known.values_list("field_key", flat=True)))


def _is_among(drift: Drift, drifts: Sequence[Drift]) -> bool:
    return any(
        (drift.field_key, drift.before) == (other.field_key, other.before) for other in drifts
    )


@transaction.atomic
def _store_comparison(
    connection: Connection,
    baseline: SchemaBaseline | None,
    comparison: Comparison,
    *,
    now: datetime,
) -> None:
    """Store the findings and the next baseline, unless a concurrent check stored them."""
    object_key, label = comparison.object_key, comparison.label
    fields = dump_fields(comparison.fields)
    stored, is_new = SchemaBaseline.unscoped.select_for_update(no_key=True).get_or_create(
        connection=connection,
        object_key=object_key,
        defaults={"label": label, "fields": fields, "compared_at": now},
    )
    if not is_new and (baseline is None or stored.compared_at != baseline.compared_at):
        return
    stored.label, stored.fields, stored.compared_at = label, fields, now
    stored.failed_at, stored.failure, stored.failure_detail = None, "", ""
    stored.save()
    store_findings(connection, object_key, label, comparison.drifts, now=now)


def _record_failure(baseline: SchemaBaseline | None, outcome: Outcome, *, now: datetime) -> None:
    if baseline is not None:
        SchemaBaseline.unscoped.filter(pk=baseline.pk).update(
            failed_at=now, failure=outcome.reason[:60], failure_detail=outcome.detail[:300]
        )


def _sort_by_age(connection: Connection, uses: UsesByObject) -> list[str]:
    compared = dict(
        SchemaBaseline.unscoped.filter(connection=connection).values_list(
            "object_key", "compared_at"
        )
    )
    return sorted(uses, key=lambda key: (key in compared, compared.get(key), key))


@transaction.atomic
def _forget_unused_objects(connection: Connection, uses: UsesByObject, *, now: datetime) -> None:
    unused = SchemaBaseline.unscoped.filter(connection=connection).exclude(object_key__in=uses)
    findings = DriftFinding.unscoped.filter(connection=connection, resolved_at=None)
    resolve_findings(findings.exclude(object_key__in=uses), now=now)
    unused.delete()
