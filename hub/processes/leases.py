"""Leases: who may change a row, or occupy the slot of a loop, and until when.

A lease is a token, which contains the worker and process of its holder, and an end. It is acquired
where it is free, renewed while its holder lives, and released. A holder that was stopped and wakes
may have a successor: it changes only the rows that it still holds. When a process is found dead,
its leases end at once, and whoever acquires them next recovers what it left.
"""

import os
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db import models, transaction
from django.db.models import Q, QuerySet

from hub.processes.worker_registry import current_worker_id

WORKER_BYTES, PROCESS_BYTES, LEASE_BYTES = 6, 4, 16

Row = TypeVar("Row", bound=models.Model)


def new_lease() -> UUID:
    """Create a lease: six bytes of the worker's id, four of the process id, and six random ones."""
    prefix = process_prefix(current_worker_id(), os.getpid())
    return UUID(bytes=prefix + os.urandom(LEASE_BYTES - len(prefix)))


def worker_prefix(worker: UUID) -> bytes:
    return worker.bytes[:WORKER_BYTES]


def process_prefix(worker: UUID, pid: int) -> bytes:
    return worker_prefix(worker) + pid.to_bytes(PROCESS_BYTES, "big")


def lease_range(prefix: bytes) -> tuple[UUID, UUID]:
    """Return the smallest and the greatest lease with this prefix."""
    return (
        UUID(bytes=prefix.ljust(LEASE_BYTES, b"\0")),
        UUID(bytes=prefix.ljust(LEASE_BYTES, b"\xff")),
    )


@dataclass(frozen=True, slots=True)
class RowLeases(Generic[Row]):
    """The leases of a model's rows, each in two columns: its token, and its end.

    A row is free after the end; its token stays until the row is acquired again or released.
    """

    model: type[Row]
    lasts: timedelta
    token_column: str = "lease"
    end_column: str = "lease_until"

    @property
    def rows(self) -> QuerySet[Row]:
        """Return the rows of all tenants."""
        rows: QuerySet[Row] = self.model._base_manager.all()
        return rows

    @property
    def released(self) -> dict[str, Any]:
        """Return the columns of a row that nobody holds."""
        return {self.token_column: None, self.end_column: None}

    def columns(self, lease: UUID, *, now: datetime) -> dict[str, Any]:
        """Return the columns of a row that is acquired."""
        return {self.token_column: lease, **self.renewed(now=now)}

    def renewed(self, *, now: datetime) -> dict[str, Any]:
        """Return the columns of a row whose lease is renewed."""
        return {self.end_column: now + self.lasts}

    def is_free(self, *, now: datetime) -> Q:
        """Match the rows that can be acquired."""
        return Q(**{self.end_column: None}) | Q(**{f"{self.end_column}__lte": now})

    def expired(self, *, now: datetime) -> QuerySet[Row]:
        """Return the rows whose holder neither renewed nor released its lease."""
        return self.rows.filter(**{f"{self.end_column}__lte": now})

    def held(self, lease: UUID) -> QuerySet[Row]:
        """Return the rows that this lease still holds: its holder changes no others."""
        return self.rows.filter(**{self.token_column: lease})

    def acquire(self, rows: QuerySet[Row], lease: UUID, *, now: datetime, **values: Any) -> int:
        """Acquire those of these rows that are free, and set `values`; return how many."""
        free = rows.filter(self.is_free(now=now))
        return free.update(**self.columns(lease, now=now), **values)

    def release(self, lease: UUID) -> None:
        self.held(lease).update(**self.released)

    def renew(self, lease: UUID, *, now: datetime) -> bool:
        """Renew the holder's only lease; return False if it is lost or has expired."""
        unexpired = self.held(lease).filter(**{f"{self.end_column}__gt": now})
        return bool(unexpired.update(**self.renewed(now=now)))

    def renew_rows(self, lease: UUID, ids: Collection[int], *, now: datetime) -> Collection[int]:
        """Renew the leases of these rows; return those that the lease does not hold any more.

        An expired lease that nobody else has acquired is renewed.
        """
        held = self.held(lease).filter(pk__in=ids)
        if held.update(**self.renewed(now=now)) == len(ids):
            return ()
        return set(ids).difference(held.values_list("pk", flat=True))

    def lock_held(self, lease: UUID, ids: Collection[int]) -> set[int]:
        """Lock those of these rows that the lease still holds; return their ids."""
        held = self.held(lease).filter(pk__in=ids)
        return set(held.select_for_update(no_key=True).values_list("pk", flat=True))

    def end(self, prefix: bytes, *, now: datetime) -> int:
        """End the leases with this prefix, whose holder is dead; return how many there were."""
        with transaction.atomic():
            # in the order in which publishers lock lanes
            rows = self.rows.filter(
                **{f"{self.token_column}__range": lease_range(prefix)}
            ).order_by("pk")
            ids = list(rows.select_for_update(no_key=True).values_list("pk", flat=True))
            self.rows.filter(pk__in=ids).update(**{self.end_column: now})
        return len(ids)


# Those that end with their process, in the order in which they end; hub/wiring.py adds them. Calls
# in flight are not among them: the other system may still be busy with the calls of a dead process.
PROCESS_LEASES: list[RowLeases[Any]] = []


def end_leases(prefix: bytes, *, now: datetime) -> None:
    """End all leases with this prefix, whose holder is dead."""
    for leases in PROCESS_LEASES:
        leases.end(prefix, now=now)
