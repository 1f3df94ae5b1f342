"""Progress of a reconciliation: the cursor of its run, stored with each page and chunk."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hub.processes.failpoints import failpoint
from hub.scheduled.runs.context import RunContext

READING, COMPARING, COMPARED, FINISHED = "reading", "comparing", "compared", "finished"  # stages
LOCAL_SIDE, REMOTE_SIDE = "local", "remote"


@dataclass(frozen=True, slots=True)
class ReadState:
    """The state of one side's read: cursor, pages, records, and whether it is complete."""

    cursor: str = ""
    pages: int = 0
    records: int = 0
    is_complete: bool = True
    is_done: bool = False

    def to_json(self) -> dict[str, Any]:
        return {
            "cursor": self.cursor,
            "pages": self.pages,
            "records": self.records,
            "complete": self.is_complete,
            "done": self.is_done,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "ReadState":
        return cls(
            document["cursor"],
            document["pages"],
            document["records"],
            document["complete"],
            document["done"],
        )


class Progress:
    """The stored cursor of a run; a resumed run continues from what `save` last wrote.

    Saves of both sides are serialized, so that no cursor is ahead of the stored rows.
    """

    def __init__(self, context: RunContext, cursor: Mapping[str, Any]) -> None:
        self._context = context
        self._lock = asyncio.Lock()
        self.cursor = dict(cursor)

    @classmethod
    def load(cls, context: RunContext) -> "Progress":
        return cls(context, context.run.cursor or begin_cursor(now=context.now()))

    @property
    def stage(self) -> str:
        stage: str = self.cursor["stage"]
        return stage

    @property
    def began_at(self) -> datetime:
        """Return when the first page was requested; later changes are judged by the next run."""
        return datetime.fromisoformat(self.cursor["began_at"])

    @property
    def counts(self) -> dict[str, Any]:
        return dict(self.cursor.get("counts", {}))

    def read_state(self, name: str) -> ReadState:
        """Return the state of a read by its name, such as `local` or `changes.remote`."""
        document = self.cursor.get("reads", {}).get(name)
        return ReadState.from_json(document) if document else ReadState()

    @property
    def done(self) -> int:
        reads = self.cursor.get("reads", {})
        return sum(reads[name]["records"] for name in (LOCAL_SIDE, REMOTE_SIDE) if name in reads)

    async def save(
        self, changes: Mapping[str, Any], *, write: Callable[[], object] | None = None
    ) -> None:
        """Store changes of the cursor and the rows of `write` in one transaction."""
        async with self._lock:
            cursor = {**self.cursor, **changes}
            await self._store(cursor, write)

    async def restart(self, first: Mapping[str, Any], *, write: Callable[[], object]) -> None:
        """Reset all progress, in one transaction with the rows of `write`."""
        async with self._lock:
            await self._store({**begin_cursor(now=self._context.now()), **first}, write)

    async def save_read(
        self, name: str, state: ReadState, *, write: Callable[[], object] | None = None
    ) -> None:
        """Store the state of one read with the rows that it read."""
        async with self._lock:
            reads = {**self.cursor.get("reads", {}), name: state.to_json()}
            await self._store({**self.cursor, "reads": reads}, write)

    async def _store(self, cursor: dict[str, Any], write: Callable[[], object] | None) -> None:
        before, self.cursor = self.cursor, cursor
        failpoint("C1")  # what was read or compared is not stored yet
        try:
            await self._context.save(
                cursor, done=self.done, expected=cursor.get("expected"), write=write
            )
        except BaseException:
            self.cursor = before
            raise
        failpoint("C2")  # it was stored, with the cursor behind it


def begin_cursor(*, now: datetime) -> dict[str, Any]:
    """Return the cursor of a run that has read nothing."""
    return {"stage": READING, "began_at": now.isoformat()}
