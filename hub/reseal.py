"""Seal everything anew under the newest key, while the hub works.

A value is exchanged only where it still is what was read, so a refresh in between is never overwritten. What is under
the newest key already is passed by: whoever is stopped begins again, and is soon where it was.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import connection as database
from django.db import models, transaction

from hub.failpoints import failpoint
from hub.secrets import KeyCanary, Sealed, SealedField, WrongKey, resealed, resealed_text

SIZE = 500  # rows of one batch, which is one short transaction
TEXTS = (("mfa", "Authenticator", "data"), ("sessions", "Session", "session_data"))  # columns of others
FERNET = "gAAAA"  # how every sealed text begins


@dataclass(frozen=True, slots=True)
class Place:
    model: type[models.Model]
    column: str

    @property
    def name(self) -> str:
        return f"{self.model._meta.label}.{self.column}"

    @property
    def field(self) -> models.Field:
        return self.model._meta.get_field(self.column)

    def rows(self) -> models.QuerySet:
        return self.model._base_manager.exclude(**{f"{self.column}__isnull": True})


@dataclass(frozen=True, slots=True)
class Batch:
    place: str
    looked_at: int
    resealed: int  # or that would be
    unreadable: tuple[Any, ...] = ()  # primary keys


def places() -> list[Place]:
    """The canary last: under the old key it keeps the hub from starting without that key."""
    own = [
        Place(model, field.name)
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, SealedField)
    ]
    texts = [Place(apps.get_model(app, model), column) for app, model, column in TEXTS if app in apps.app_configs]
    return sorted([*own, *texts], key=lambda place: (place.model is KeyCanary, place.name))


def count() -> int:
    return sum(place.rows().count() for place in places())


def reseal(*, dry: bool = False, size: int = SIZE) -> Iterator[Batch]:
    """One batch for each step; whoever iterates decides how fast, and when to stop."""
    for place in places():
        cursor: Any = None
        while True:
            with transaction.atomic():
                rows = place.rows() if cursor is None else place.rows().filter(pk__gt=cursor)
                read = list(rows.order_by("pk").values_list("pk", place.column)[:size])
                batch = exchanged(place, read, dry=dry)
                failpoint("K1")  # in the middle of a batch
            yield batch
            if len(read) < size:
                break
            cursor = read[-1][0]


def exchanged(place: Place, read: list[tuple[Any, Any]], *, dry: bool) -> Batch:
    changes, unreadable = [], []
    for pk, old in read:
        try:
            new = anew(old)
        except WrongKey:
            unreadable.append(pk)
        else:
            changes += [(pk, old, new)] if new is not None else []
    done = len(changes) if dry else write(place, changes)
    return Batch(place.name, len(read), done, tuple(unreadable))


def anew(value: Any) -> Any:
    """The same, sealed under the newest key; None where nothing of it is under an older one. Raises WrongKey."""
    if isinstance(value, Sealed):
        return resealed(value)
    if isinstance(value, str):
        return resealed_text(value) if value.startswith(FERNET) else None
    if isinstance(value, dict):
        found = {key: new for key, inner in value.items() if (new := anew(inner)) is not None}
        return {**value, **found} if found else None
    if isinstance(value, list):
        found_in = [anew(inner) for inner in value]
        pairs = zip(value, found_in, strict=True)
        return [old if new is None else new for old, new in pairs] if any(found_in) else None
    return None


def write(place: Place, changes: list[tuple[Any, Any, Any]]) -> int:
    """Only where the column still holds what was read; how many did."""
    if not changes:
        return 0
    if not isinstance(place.field, SealedField):
        rows = place.model._base_manager
        return sum(rows.filter(pk=pk, **{place.column: old}).update(**{place.column: new}) for pk, old, new in changes)
    quote, meta = database.ops.quote_name, place.model._meta
    column, key = quote(place.field.column), quote(meta.pk.column)
    told = [[*(place.field.get_db_prep_value(value, database) for value in (new, old)), pk] for pk, old, new in changes]
    with database.cursor() as cursor:
        statement = f"UPDATE {quote(meta.db_table)} SET {column} = %s WHERE {column} = %s AND {key} = %s"
        cursor.executemany(statement, told)
        return cursor.rowcount
