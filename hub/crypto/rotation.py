"""Key rotation: reseal all sealed values under the newest key, while the hub is running.

A value is replaced only if it is still what was read, so a concurrent refresh is never overwritten.
Values under the newest key are skipped, so an interrupted rotation can be started again at little
cost.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import connection as database
from django.db import models, transaction

from hub.crypto.sealed import KeyCanary, Sealed, SealedField, WrongKey, rotate_sealed, rotate_text
from hub.processes.failpoints import failpoint

BATCH_SIZE = 500  # rows of one batch, which is one short transaction
# columns of others
FOREIGN_COLUMNS = (("mfa", "Authenticator", "data"), ("sessions", "Session", "session_data"))
FERNET_PREFIX = "gAAAA"  # how every sealed text begins


@dataclass(frozen=True, slots=True)
class SealedColumn:
    model: type[models.Model]
    column: str

    @property
    def name(self) -> str:
        return f"{self.model._meta.label}.{self.column}"

    @property
    def field(self) -> models.Field:
        field = self.model._meta.get_field(self.column)
        assert isinstance(field, models.Field)
        return field

    def rows(self) -> models.QuerySet:
        return self.model._base_manager.exclude(**{f"{self.column}__isnull": True})


@dataclass(frozen=True, slots=True)
class RotationBatch:
    column_name: str
    rows_read: int
    resealed_count: int  # or that would be
    unreadable: tuple[object, ...] = ()  # primary keys


def sealed_columns() -> list[SealedColumn]:
    """Return all columns with sealed values, the key canary last: while it is under the old key,
    the hub does not start without that key.
    """
    sealed_fields = [
        SealedColumn(model, field.name)
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, SealedField)
    ]
    foreign_columns = [
        SealedColumn(apps.get_model(app, model), column)
        for app, model, column in FOREIGN_COLUMNS
        if app in apps.app_configs
    ]
    return sorted(
        [*sealed_fields, *foreign_columns],
        key=lambda column: (column.model is KeyCanary, column.name),
    )


def count_sealed_rows() -> int:
    return sum(column.rows().count() for column in sealed_columns())


def reseal_all(*, dry_run: bool = False, size: int = BATCH_SIZE) -> Iterator[RotationBatch]:
    """Yield after each resealed batch, so that the caller decides when to go on."""
    for column in sealed_columns():
        cursor: Any = None
        while True:
            with transaction.atomic():
                rows = column.rows() if cursor is None else column.rows().filter(pk__gt=cursor)
                values = list(rows.order_by("pk").values_list("pk", column.column)[:size])
                batch = reseal_batch(column, values, dry_run=dry_run)
                failpoint("K1")  # in the middle of a batch
            yield batch
            if len(values) < size:
                break
            cursor = values[-1][0]


def reseal_batch(
    column: SealedColumn, values: list[tuple[Any, Any]], *, dry_run: bool
) -> RotationBatch:
    changes, unreadable = [], []
    for pk, old in values:
        try:
            new = reseal_value(old)
        except WrongKey:
            unreadable.append(pk)
        else:
            changes += [(pk, old, new)] if new is not None else []
    written = len(changes) if dry_run else write_changes(column, changes)
    return RotationBatch(column.name, len(values), written, tuple(unreadable))


def reseal_value(value: Any) -> Any:
    """Return the value sealed under the newest key; None if nothing of it is under an older key.

    Raises WrongKey when no key of HUB_FIELD_KEYS opens it.
    """
    if isinstance(value, Sealed):
        return rotate_sealed(value)
    if isinstance(value, str):
        return rotate_text(value) if value.startswith(FERNET_PREFIX) else None
    if isinstance(value, dict):
        changed_items = {
            key: new
            for key, inner_value in value.items()
            if (new := reseal_value(inner_value)) is not None
        }
        return {**value, **changed_items} if changed_items else None
    if isinstance(value, list):
        changed_values = [reseal_value(inner_value) for inner_value in value]
        pairs = zip(value, changed_values, strict=True)
        return [old if new is None else new for old, new in pairs] if any(changed_values) else None
    return None


def write_changes(sealed_column: SealedColumn, changes: list[tuple[Any, Any, Any]]) -> int:
    """Write the new values to the rows that still have the old one; return how many changed."""
    if not changes:
        return 0
    if not isinstance(sealed_column.field, SealedField):
        rows = sealed_column.model._base_manager
        return sum(
            rows.filter(pk=pk, **{sealed_column.column: old}).update(**{sealed_column.column: new})
            for pk, old, new in changes
        )
    quote, meta = database.ops.quote_name, sealed_column.model._meta
    column, key = quote(sealed_column.field.column), quote(str(meta.pk.column))
    parameters = [
        [*(sealed_column.field.get_db_prep_value(value, database) for value in (new, old)), pk]
        for pk, old, new in changes
    ]
    with database.cursor() as cursor:
        statement = (
            f"UPDATE {quote(meta.db_table)} SET {column} = %s WHERE {column} = %s AND {key} = %s"
        )
        cursor.executemany(statement, parameters)
        changed: int = cursor.rowcount
        return changed
