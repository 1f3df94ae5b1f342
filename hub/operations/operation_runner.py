"""Run an operation batch by batch.

Each batch and its progress are one transaction, so a kill loses and repeats nothing: the next run
continues behind the cursor.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog
from django.db import InterfaceError, OperationalError, transaction

from hub.audit import ActorContext
from hub.db.clock import Clock
from hub.operations.models import Operation
from hub.processes.failpoints import failpoint
from hub.queue import wake_up

BATCH_SIZE = 200  # rows of one batch
TIME_SLICE = timedelta(seconds=3)  # then other tasks run: only one process may not be a pump
STALLED_AFTER = timedelta(seconds=30)  # without a batch for so long, the wake-up was lost

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class BatchResult:
    """The result of a batch: its last row (None: no row was left), the changed and skipped rows.

    `is_waiting`: nothing may be done now; the operation is woken up again later.
    """

    cursor: int | None
    done: int = 0
    excluded_count: int = 0
    is_waiting: bool = False


class BatchFunction(Protocol):
    """Changes the next rows of an operation, in the caller's transaction."""

    def __call__(self, operation: Operation, size: int, *, now: datetime) -> BatchResult: ...


BATCH_FUNCTIONS: dict[str, BatchFunction] = {}  # by the kind of an operation; see hub/wiring.py


def run_operation(
    id: int, *, clock: Clock, pause_between: Callable[[], None], stopping: Callable[[], bool]
) -> bool:
    """Run batches until the operation or the time slice ends; return whether more is to do."""
    deadline = clock() + TIME_SLICE
    while not stopping() and clock() < deadline:
        try:
            if not run_batch(id, now=clock()):
                return False
            failpoint("P2")  # a batch was stored, with the cursor behind it
        except (InterfaceError, OperationalError):
            raise  # the database is away or busy: nothing was changed, the next wake-up continues
        except Exception as error:
            _fail_operation(id, error, now=clock())
            return False
        pause_between()
    return True


@transaction.atomic
def run_batch(id: int, *, now: datetime) -> bool:
    """Run one batch; return False if the operation is not running, waits, or has just finished."""
    operation = (
        Operation.unscoped.select_for_update(of=("self",)).filter(pk=id, state="running").first()
    )
    if operation is None:
        return False
    size = BATCH_SIZE if operation.rows_left is None else min(BATCH_SIZE, operation.rows_left)
    batch = BATCH_FUNCTIONS[operation.kind](operation, size, now=now) if size else BatchResult(None)
    if batch.is_waiting:
        Operation.unscoped.filter(pk=id).update(heartbeat_at=now)
        return False
    if batch.cursor is None:
        _finish_operation(operation, now=now)
        return False
    Operation.unscoped.filter(pk=id).update(
        cursor=batch.cursor,
        processed_count=operation.processed_count + batch.done,
        excluded_count=operation.excluded_count + batch.excluded_count,
        heartbeat_at=now,
    )
    failpoint("P1")  # a batch is not stored yet
    return True


def _finish_operation(operation: Operation, *, now: datetime) -> None:
    operation.transition_to("finished", finished_at=now, heartbeat_at=now)
    _audit_progress(operation, "operation.finish", now=now)


@transaction.atomic
def _fail_operation(id: int, error: Exception, *, now: datetime) -> None:
    """Fail the operation after an error of the hub: only this batch was rolled back."""
    log.error("operation.failed", operation=id, exc_info=error)
    operation = Operation.unscoped.filter(pk=id, state="running").first()
    if operation is not None:
        operation.transition_to(
            "failed",
            finished_at=now,
            detail=f"{type(error).__name__} in the batch after row {operation.cursor}",
        )
        _audit_progress(operation, "operation.fail", now=now)


def _audit_progress(operation: Operation, verb: str, *, now: datetime) -> None:
    ActorContext(operation.actor).audit(
        verb,
        operation,
        tenant=operation.tenant,
        reason=operation.reason,
        after=operation.counts(),
        now=now,
    )


def wake_up_operations(operations: Iterable[int], *, now: datetime) -> None:
    for id in operations:
        wake_up(f"operate:{id}", now=now)


def wake_up_stalled_operations(*, now: datetime) -> None:
    """Wake up operations whose wake-up was lost or whose runner died."""
    running = Operation.unscoped.filter(state="running", heartbeat_at__lt=now - STALLED_AFTER)
    wake_up_operations(running.values_list("pk", flat=True), now=now)
