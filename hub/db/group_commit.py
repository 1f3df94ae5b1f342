"""Group commit: one thread processes the items of all threads that wait.

The first thread that finds no leader becomes the leader and processes one batch: the items that
arrived during the batch before. A batch never waits for more items, so a single thread is served at
once.
"""

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Waiter(Generic[Item, Result]):
    """A waiting thread, with its item and the result."""

    def __init__(self, item: Item) -> None:
        self.item = item
        self.result: Result | Exception | None = None
        self.is_served = False
        self.must_run_alone = False  # its batch failed
        self.wake_lock = Lock()
        self.wake_lock.acquire()

    def wait_until_leader(self) -> bool:
        """Wait until the item is processed or this thread leads; return whether it leads."""
        self.wake_lock.acquire()
        return not self.is_served


class GroupCommit(Generic[Item, Result]):
    """Process the items of concurrent threads in batches.

    `process_batch` returns one result per item; a result that is an exception is raised in the
    item's thread. When `process_batch` itself raises, it has changed nothing, and each thread
    processes its own item alone, so that one bad item fails alone. Not to be called within a
    transaction: the other threads would wait for its end.
    """

    def __init__(
        self,
        process_batch: Callable[[Sequence[Item]], Sequence[Result | Exception]],
        *,
        max_batch: int,
    ) -> None:
        self.process_batch, self.max_batch = process_batch, max_batch
        self.lock = Lock()
        self.is_running = False
        self.waiters: list[Waiter[Item, Result]] = []

    def __call__(self, item: Item) -> Result:
        waiter: Waiter[Item, Result] = Waiter(item)
        if self.join_queue(waiter) or waiter.wait_until_leader():
            self.lead_batch()
        if waiter.must_run_alone:
            (waiter.result,) = self.process_batch([item])
        if isinstance(waiter.result, Exception):
            raise waiter.result
        return waiter.result  # type: ignore[return-value]  # it was served

    def join_queue(self, waiter: Waiter[Item, Result]) -> bool:
        """Queue the item; return whether there is no leader, so that this thread has to lead."""
        with self.lock:
            self.waiters.append(waiter)
            is_first, self.is_running = not self.is_running, True
        return is_first

    def lead_batch(self) -> None:
        with self.lock:
            batch, self.waiters = self.waiters[: self.max_batch], self.waiters[self.max_batch :]
        try:
            self.serve_batch(batch)
        finally:
            self.release_waiters(batch)

    def serve_batch(self, batch: Sequence[Waiter[Item, Result]]) -> None:
        for waiter in batch:
            waiter.is_served = waiter.must_run_alone = True
        try:
            results = self.process_batch([waiter.item for waiter in batch])
        except Exception as error:
            if len(batch) > 1:
                return
            results = [error]
        for waiter, result in zip(batch, results, strict=True):
            waiter.result, waiter.must_run_alone = result, False

    def release_waiters(self, batch: Sequence[Waiter[Item, Result]]) -> None:
        """Wake the threads whose items were processed, and the first one to lead the next batch."""
        with self.lock:
            self.is_running = bool(self.waiters)
            for waiter in [*self.waiters[:1], *batch]:
                waiter.wake_lock.release()
