"""Store people that were read or sent, and deactivate missing ones."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from connectors.directories import Person
from connectors.outcomes import clean_text
from hub.connections.models import Connection
from hub.identities.models import (
    EMAIL_LENGTH,
    ID_LENGTH,
    TEXT_LENGTH,
    DirectoryEntry,
    LocalUser,
    PersonRow,
)
from tenants.models import Tenant

UNLISTED_RETENTION = timedelta(days=90)  # people whom no complete list names any more
ALIASES_MAX = 20  # aliases, and other names, of one person
COLUMNS = ("name", "email", "login", "aliases", "other_names", "is_active")
BATCH_ROWS = 1_000  # rows in one statement


@dataclass(frozen=True, slots=True)
class StoredPeople:
    """How many people a list has created, changed and deactivated."""

    created: int
    updated: int
    unchanged: int
    deactivated: int = 0


def store_local_users(tenant: Tenant, people: Iterable[Person], *, now: datetime) -> StoredPeople:
    """Store our users; of two people with the same id the last one counts."""
    with transaction.atomic():
        Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)  # one list at a time
        usable = _select_storable(people)
        rows = LocalUser.unscoped.filter(tenant=tenant, user_id__in=usable)
        stored = {row.user_id: row for row in rows}

        def build(person: Person) -> LocalUser:
            return LocalUser(tenant=tenant, user_id=person.id, created_at=now)

        return _store(LocalUser, stored, usable, build, COLUMNS, now=now)


def store_directory_entries(
    connection: Connection, people: Iterable[Person], *, kind: str, now: datetime
) -> StoredPeople:
    """Store people of the connection's system. The caller's transaction has locked the read."""
    usable = _select_storable(people)
    entries = DirectoryEntry.unscoped.filter(connection=connection, kind=kind, remote_id__in=usable)
    stored = {entry.remote_id: entry for entry in entries}

    def build(person: Person) -> DirectoryEntry:
        return DirectoryEntry(connection=connection, kind=kind, remote_id=person.id, created_at=now)

    columns = (*COLUMNS, "is_shared")
    return _store(DirectoryEntry, stored, usable, build, columns, now=now)


def select_local_users(tenant: Tenant) -> QuerySet[LocalUser]:
    return LocalUser.unscoped.filter(tenant=tenant)


def select_directory_entries(connection: Connection, kind: str) -> QuerySet[DirectoryEntry]:
    return DirectoryEntry.unscoped.filter(connection=connection, kind=kind)


def deactivate_unlisted_users(tenant: Tenant, *, since: datetime) -> int:
    """Deactivate our users whom no list has contained since a time; return how many.

    Those not contained for a long time are deleted.
    """
    users = select_local_users(tenant).filter(read_at__lt=since)
    users.filter(read_at__lt=since - UNLISTED_RETENTION).delete()
    return users.filter(is_active=True).update(is_active=False)


def deactivate_unlisted_entries(connection: Connection, kind: str, *, since: datetime) -> int:
    """Deactivate the people of a system whom a complete read did not contain; return how many.

    Those not contained for a long time are deleted.
    """
    entries = select_directory_entries(connection, kind).filter(read_at__lt=since)
    entries.filter(read_at__lt=since - UNLISTED_RETENTION).delete()
    return entries.filter(is_active=True).update(is_active=False)


def _store(
    model: type[Any],
    stored: Mapping[str, Any],
    people: Mapping[str, Person],
    build: Callable[[Person], PersonRow],
    columns: Sequence[str],
    *,
    now: datetime,
) -> StoredPeople:
    """Insert and update in one query for each BATCH_ROWS; unchanged rows are marked as read."""
    new: list[Any] = []
    changed: list[Any] = []
    unchanged_ids: list[int] = []
    for id, person in people.items():
        row: Any = stored.get(id) or build(person)
        values = _read_columns(person, columns)
        if row.pk is not None and all(getattr(row, name) == values[name] for name in columns):
            unchanged_ids.append(row.pk)
            continue
        (new if row.pk is None else changed).append(row)
        row.pk, row.read_at = None, now
        for name, value in values.items():
            setattr(row, name, value)
    model.unscoped.bulk_create(
        [*new, *changed],
        batch_size=BATCH_ROWS,
        update_conflicts=True,
        unique_fields=_find_unique_fields(model),
        update_fields=(*columns, "read_at"),
    )
    model.unscoped.filter(pk__in=unchanged_ids).update(read_at=now)
    return StoredPeople(len(new), len(changed), len(unchanged_ids))


def _find_unique_fields(model: type[Any]) -> tuple[str, ...]:
    fields: tuple[str, ...] = model._meta.constraints[0].fields
    return fields


def _read_columns(person: Person, columns: Sequence[str]) -> dict[str, Any]:
    values: dict[str, Any] = {
        "name": clean_text(person.name, TEXT_LENGTH),
        "email": clean_text(person.email, EMAIL_LENGTH),
        "login": clean_text(person.login, TEXT_LENGTH),
        "aliases": [clean_text(alias, EMAIL_LENGTH) for alias in person.aliases[:ALIASES_MAX]],
        "other_names": [clean_text(name, TEXT_LENGTH) for name in person.other_names[:ALIASES_MAX]],
        "is_active": person.is_active,
        "is_shared": person.is_bot,
    }
    return {name: values[name] for name in columns}


def _select_storable(people: Iterable[Person]) -> dict[str, Person]:
    """Return people by id, without those whose id cannot be stored."""
    return {
        person.id: person
        for person in people
        if person.id and len(person.id) <= ID_LENGTH and person.id.isprintable()
    }
