"""Group commit: what many threads want at one moment is done once, by one of them.

Whoever finds nobody at work does it for all that wait; the others find theirs done. Nobody waits for company: a batch
is what came while the last one was at work, and a lonely thread works at once.
"""

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Waiter(Generic[Item, Result]):
    """Where one thread waits."""

    def __init__(self, item: Item) -> None:
        self.item = item
        self.result: Result | Exception | None = None
        self.is_served = False
        self.must_run_alone = False  # its batch failed
        self.wake_lock = Lock()
        self.wake_lock.acquire()

    def wait_until_leader(self) -> bool:
        """Once called: it was not served, so it is its turn to serve."""
        self.wake_lock.acquire()
        return not self.is_served


class GroupCommit(Generic[Item, Result]):
    """`work` answers a batch, item by item; an answer that is an exception is raised by whoever asked.

    Where it raises, it has done nothing, and each does its own alone: what is wrong with one hurts no other. Not to be
    called within a transaction, which the others would wait for.
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
        """Whether nobody is at work."""
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
        """The next one leads, and those that were served go on."""
        with self.lock:
            self.is_running = bool(self.waiters)
            for waiter in [*self.waiters[:1], *batch]:
                waiter.wake_lock.release()
