"""Delete what is older than it is kept, in small batches: what is deleted is the progress, so a kill loses nothing."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from django.conf import settings
from django.db import transaction

from hub.prune.tables import TABLES, Table
from hub.queue import Heartbeat, beat, ring

SIZE = 500  # rows that are looked at in one batch, which is one short transaction
DAILY, SILENT = timedelta(days=1), timedelta(seconds=60)
PRUNED, PRUNING = "pruned", "pruning"  # beats: when it was last through, when it last lived


@dataclass(frozen=True, slots=True)
class Cuts:
    bodies: datetime
    rows: datetime

    @classmethod
    def at(cls, now: datetime) -> "Cuts":
        return cls(
            now - timedelta(days=settings.HUB_KEEP_BODIES_DAYS), now - timedelta(days=settings.HUB_KEEP_ROWS_DAYS)
        )

    def of(self, table: Table) -> datetime:
        return self.bodies if table.keeps == "bodies" else self.rows


@dataclass(frozen=True, slots=True)
class Pruned:
    table: str
    looked_at: int
    deleted: int


def prune(cuts: Cuts, *, dry: bool = False, size: int = SIZE) -> Iterator[Pruned]:
    """One batch for each step; whoever iterates decides how fast, and when to stop. Dry, it deletes nothing."""
    for table in TABLES:
        cursor: Any = None
        while True:
            with transaction.atomic():
                old, whole = page(table, cursor, cuts.of(table), size)
                staying = set(table.staying(old, cuts.of(table))) if old else set()
                going = [id for id in old if id not in staying]
                if going and not dry:
                    table.rows().filter(pk__in=going).delete()
            yield Pruned(table.name, len(old), len(going))
            if not whole:
                break
            cursor = old[-1]


def page(table: Table, cursor: Any, cut: datetime, size: int) -> tuple[list[Any], bool]:
    """The next rows that are old enough, oldest first; and whether more may follow."""
    rows = table.rows() if cursor is None else table.rows().filter(pk__gt=cursor)
    ids = list(rows.order_by("pk").values_list("pk", flat=True)[:size])
    ages = table.ages(ids)
    old = list(takewhile(lambda id: ages.get(id, cut) <= cut, ids))
    return old, len(old) == size


def prune_for_a_while(
    *, clock: Callable[[], datetime], until: datetime, rest: Callable[[], None], stopping: Callable[[], bool]
) -> bool:
    """True where it came to its end."""
    beat(PRUNING, now=clock())
    for _ in prune(Cuts.at(clock())):
        if stopping() or clock() > until:
            return False
        rest()
    beat(PRUNED, now=clock())
    return True


def ring_once_a_day(*, now: datetime) -> None:
    """By the sweep; also where a bell was lost on the way, or the worker that pruned was killed."""
    beats = dict(Heartbeat.objects.filter(name__in=(PRUNED, PRUNING)).values_list("name", "at"))
    resting = PRUNED in beats and now - beats[PRUNED] < DAILY
    alive = PRUNING in beats and now - beats[PRUNING] < SILENT
    if not resting and not alive:
        ring("prune", now=now)
