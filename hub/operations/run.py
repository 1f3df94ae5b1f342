"""Run an operation batch by batch. Each batch and its progress are one transaction, so a kill loses nothing and
repeats nothing: whoever comes next goes on behind the cursor."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.utils.module_loading import import_string

from hub import audit
from hub.clock import Clock
from hub.operations.models import Operation
from hub.queue import ring

SIZE = 200  # rows of one batch
SLICE = timedelta(seconds=3)  # then others have the worker: there may be only one that is no pump
SILENT = timedelta(seconds=30)  # a running operation without a batch for so long has lost its bell

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Batch:
    """What became of one batch: the last row that was looked at (None: none was left), rows done and left out."""

    cursor: int | None
    done: int = 0
    excluded_count: int = 0


Work = Callable[..., Batch]  # work(operation, size, now=...), in the caller's transaction


def run(id: int, *, clock: Clock, rest: Callable[[], None], stopping: Callable[[], bool]) -> bool:
    """Until it has ended, or its slice of time has; True where there is more to do. It rests between batches."""
    ends = clock() + SLICE
    while not stopping() and clock() < ends:
        try:
            if not step(id, now=clock()):
                return False
        except (InterfaceError, OperationalError):
            raise  # the database is away or busy, and nothing happened; it goes on with the next bell
        except Exception as error:
            fail(id, error, now=clock())
            return False
        rest()
    return True


@transaction.atomic
def step(id: int, *, now: datetime) -> bool:
    """One batch; False where the operation does not run, or has just finished."""
    operation = Operation.unscoped.select_for_update(of=("self",)).filter(pk=id, state="running").first()
    if operation is None:
        return False
    size = SIZE if operation.left is None else min(SIZE, operation.left)
    batch = work_of(operation)(operation, size, now=now) if size else Batch(None)
    if batch.cursor is None:
        finish(operation, now=now)
        return False
    Operation.unscoped.filter(pk=id).update(
        cursor=batch.cursor,
        processed_count=operation.processed_count + batch.done,
        excluded_count=operation.excluded_count + batch.excluded_count,
        heartbeat_at=now,
    )
    return True


def work_of(operation: Operation) -> Work:
    return import_string(settings.HUB_OPERATIONS[operation.kind])


def finish(operation: Operation, *, now: datetime) -> None:
    operation.move("finished", finished_at=now, heartbeat_at=now)
    tell(operation, "operation.finish", now=now)


@transaction.atomic
def fail(id: int, error: Exception, *, now: datetime) -> None:
    """A fault of ours: the batch was undone, those before it stand."""
    log.error("operation.failed", operation=id, exc_info=error)
    operation = Operation.unscoped.filter(pk=id, state="running").first()
    if operation is not None:
        operation.move(
            "failed", finished_at=now, detail=f"{type(error).__name__} in the batch after row {operation.cursor}"
        )
        tell(operation, "operation.fail", now=now)


def tell(operation: Operation, verb: str, *, now: datetime) -> None:
    audit.record(
        actor=operation.actor,
        verb=verb,
        obj=operation,
        tenant=operation.tenant,
        reason=operation.reason,
        after=operation.counts(),
        now=now,
    )


def ring_for(operations: Iterable[int], *, now: datetime) -> None:
    for id in operations:
        ring(f"operate:{id}", now=now)


def ring_for_forgotten(*, now: datetime) -> None:
    """Whose bell was lost, or whose runner died."""
    running = Operation.unscoped.filter(state="running", heartbeat_at__lt=now - SILENT)
    ring_for(running.values_list("pk", flat=True), now=now)
