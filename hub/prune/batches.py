"""Delete rows after their retention time, in small batches, each a transaction of its own."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from django.conf import settings
from django.db import transaction

from hub.prune.tables import TABLES, Table
from hub.queue import Heartbeat, record_heartbeat, wake_up

INBOX_RETENTION = timedelta(days=7)
LOG_RETENTION = timedelta(days=1)
BATCH_SIZE = 500  # rows of one batch, which is one short transaction
PRUNE_INTERVAL, RUN_SILENCE_MAX = timedelta(days=1), timedelta(seconds=60)
# Heartbeats: when pruning last reached its end, and when it last made progress.
PRUNED_BEAT, PRUNING_BEAT = "pruned", "pruning"


@dataclass(frozen=True, slots=True)
class RetentionCutoffs:
    bodies: datetime
    rows: datetime
    inbox: datetime  # of rejected messages and unmatched items
    logs: datetime  # of shipped log lines: until then, a repeated request finds its key

    @classmethod
    def at(cls, now: datetime) -> "RetentionCutoffs":
        return cls(
            now - timedelta(days=settings.HUB_KEEP_BODIES_DAYS),
            now - timedelta(days=settings.HUB_KEEP_ROWS_DAYS),
            now - INBOX_RETENTION,
            now - LOG_RETENTION,
        )

    def of(self, table: Table) -> datetime:
        cutoff: datetime = getattr(self, table.retention)
        return cutoff


@dataclass(frozen=True, slots=True)
class PrunedBatch:
    table: str
    rows_read: int
    deleted_count: int


def prune_batches(
    cutoffs: RetentionCutoffs, *, dry_run: bool = False, size: int = BATCH_SIZE
) -> Iterator[PrunedBatch]:
    """Yield after each deleted batch, so that the caller decides on the pace and when to stop.

    With `dry_run` rows are only counted.
    """
    for table in TABLES:
        cursor: Any = None
        while True:
            with transaction.atomic():
                old_ids, has_more = next_old_ids(table, cursor, cutoffs.of(table), size)
                kept_ids = set(table.rows_to_keep(old_ids, cutoffs.of(table))) if old_ids else set()
                deleted_ids = [id for id in old_ids if id not in kept_ids]
                if deleted_ids and not dry_run:
                    table.rows().filter(pk__in=deleted_ids).delete()
            yield PrunedBatch(table.name, len(old_ids), len(deleted_ids))
            if not has_more:
                break
            cursor = old_ids[-1]


def next_old_ids(table: Table, cursor: Any, cutoff: datetime, size: int) -> tuple[list[Any], bool]:
    """Return the next ids of rows past the cutoff, oldest first, and whether more may follow."""
    rows = table.rows() if cursor is None else table.rows().filter(pk__gt=cursor)
    ids = list(rows.order_by("pk").values_list("pk", flat=True)[:size])
    ages = table.ages(ids)
    old_ids = list(takewhile(lambda id: ages.get(id, cutoff) <= cutoff, ids))
    return old_ids, len(old_ids) == size


def prune_until(
    *,
    clock: Callable[[], datetime],
    deadline: datetime,
    pause: Callable[[], None],
    is_stop_requested: Callable[[], bool],
) -> bool:
    """Prune until the deadline or a stop; return True if all tables were pruned to the end."""
    record_heartbeat(PRUNING_BEAT, now=clock())
    for _ in prune_batches(RetentionCutoffs.at(clock())):
        if is_stop_requested() or clock() > deadline:
            return False
        pause()
    record_heartbeat(PRUNED_BEAT, now=clock())
    return True


def wake_up_daily_pruning(*, now: datetime) -> None:
    """Send the wake-up of pruning once a day, unless a run is in progress; a step of the sweep.

    It is sent again if a wake-up was lost, or the worker that pruned was killed.
    """
    beats = dict(
        Heartbeat.objects.filter(name__in=(PRUNED_BEAT, PRUNING_BEAT)).values_list("name", "at")
    )
    is_recent = PRUNED_BEAT in beats and now - beats[PRUNED_BEAT] < PRUNE_INTERVAL
    is_running = PRUNING_BEAT in beats and now - beats[PRUNING_BEAT] < RUN_SILENCE_MAX
    if not is_recent and not is_running:
        wake_up("prune", now=now)
