"""A thread with a database connection, which processes what many requests ask of it together."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import Any, Generic, TypeVar

from django.db import close_old_connections, connections

from hub.asgi_bridge.threads import ThreadPool

Item = TypeVar("Item")
Result = TypeVar("Result")
ALONE_THREADS = 4  # for the items of batches that failed
STALL_SECONDS = 2.0  # a batch that takes longer waits for a connection that is silent
STALLED_THREADS_MAX = 8


@dataclass(slots=True)
class Entry(Generic[Item, Result]):
    item: Item
    result: asyncio.Future[Result]


class Worker(Thread):
    """A thread with the time at which its batch began, by `monotonic`; None between batches."""

    def __init__(self, work: Callable[["Worker"], None], name: str) -> None:
        super().__init__(target=work, args=(self,), name=name, daemon=True)
        self.began_at: float | None = None

    def stalls(self, seconds: float) -> bool:
        """Return whether its batch takes longer than so many seconds."""
        return (began_at := self.began_at) is not None and monotonic() - began_at > seconds


class BatchThread(Generic[Item, Result]):
    """Process the items of the event loop's requests in batches, in one thread.

    A batch is what arrived during the batch before, at most `max_batch`; it never waits for more,
    so a single item is served at once. `process_batch` returns a result for each item. If it raises
    an exception it has changed nothing, and each item is processed alone, so that one bad item
    fails alone, and one that waits for a lock delays no other. A thread whose batch takes longer
    than `stall_seconds` is replaced, and ends after it.
    """

    def __init__(
        self,
        process_batch: Callable[[Sequence[Item]], Sequence[Result]],
        *,
        max_batch: int,
        name: str,
        stall_seconds: float = STALL_SECONDS,
    ) -> None:
        self.process_batch, self.max_batch, self.name = process_batch, max_batch, name
        self.stall_seconds = stall_seconds
        self.queue: SimpleQueue[Entry[Item, Result] | None] = SimpleQueue()
        self.worker: Worker | None = None
        self.stalled: list[Worker] = []
        self.alone = ThreadPool(ALONE_THREADS, f"{name}-alone")

    async def process(self, item: Item) -> Result:
        """Return the result of an item; raise its exception.

        An item whose caller is cancelled before its batch begins is not processed.
        """
        return await self.submit(item)

    def submit(self, item: Item) -> asyncio.Future[Result]:
        """Return the future result of an item; nobody has to wait for it."""
        if self.worker is None or self._replaces(self.worker):
            self.worker = Worker(self._work, self.name)
            self.worker.start()
        entry: Entry[Item, Result] = Entry(item, asyncio.get_running_loop().create_future())
        self.queue.put(entry)
        return entry.result

    def close(self) -> None:
        """End the thread and its database connection, after what it has begun, unless it stalls."""
        if self.worker is not None:
            self.queue.put(None)
            self.worker.join(self.stall_seconds)
            self.worker = None

    def _replaces(self, worker: "Worker") -> bool:
        """Return whether the worker stalls and another may start; note it as stalled."""
        if not worker.stalls(self.stall_seconds):
            return False
        self.stalled = [stalled for stalled in self.stalled if stalled.is_alive()]
        if len(self.stalled) == STALLED_THREADS_MAX:
            return False
        self.stalled.append(worker)
        return True

    def _work(self, worker: "Worker") -> None:
        try:
            while worker not in self.stalled and (batch := self._take_batch()) is not None:
                if waiting := [entry for entry in batch if not entry.result.done()]:
                    worker.began_at = monotonic()
                    self._process(waiting)
                    worker.began_at = None
        finally:
            connections.close_all()

    def _take_batch(self) -> list[Entry[Item, Result]] | None:
        """Wait for an item; return it with all that have arrived meanwhile, None at the end."""
        batch, entry = [], self.queue.get()
        with suppress(Empty):
            while entry is not None:
                batch.append(entry)
                if len(batch) == self.max_batch:
                    break
                entry = self.queue.get_nowait()
        if entry is None and batch:
            self.queue.put(None)  # the end, after this batch
        return batch or None

    def _process(self, batch: Sequence[Entry[Item, Result]]) -> None:
        try:
            close_old_connections()
            results = self.process_batch([entry.item for entry in batch])
        except Exception as error:
            if len(batch) == 1:
                _call_in_loop(batch, _fail, batch[0], error)
                return
            for entry in batch:
                self.alone.submit(partial(self._process_alone, entry))
        else:
            _call_in_loop(batch, _succeed, batch, results)

    def _process_alone(self, entry: Entry[Item, Result]) -> None:
        try:
            if not entry.result.done():
                self._process([entry])
        finally:
            connections.close_all()


def _call_in_loop(
    batch: Sequence[Entry[Any, Any]], function: Callable[..., None], *arguments: Any
) -> None:
    with suppress(RuntimeError):  # the loop has ended, and nobody waits
        batch[0].result.get_loop().call_soon_threadsafe(function, *arguments)


def _succeed(batch: Sequence[Entry[Item, Result]], results: Sequence[Result]) -> None:
    for entry, result in zip(batch, results, strict=True):
        if not entry.result.done():
            entry.result.set_result(result)


def _fail(entry: Entry[Item, Result], error: Exception) -> None:
    if not entry.result.done():
        entry.result.set_exception(error)
