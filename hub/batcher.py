"""Group commit: what many threads want at one moment is done once, by one of them.

Whoever finds nobody at work does it for all that wait; the others find theirs done. Nobody waits for company: a batch
is what came while the last one was at work, and a lonely thread works at once.
"""

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Place(Generic[Item, Result]):
    """Where one thread waits."""

    def __init__(self, item: Item) -> None:
        self.item = item
        self.answer: Result | Exception | None = None
        self.served = False
        self.alone = False  # its batch failed
        self.call = Lock()
        self.call.acquire()

    def is_to_lead(self) -> bool:
        """Once called: it was not served, so it is its turn to serve."""
        self.call.acquire()
        return not self.served


class Batcher(Generic[Item, Result]):
    """`work` answers a batch, item by item; an answer that is an exception is raised by whoever asked.

    Where it raises, it has done nothing, and each does its own alone: what is wrong with one hurts no other. Not to be
    called within a transaction, which the others would wait for.
    """

    def __init__(self, work: Callable[[Sequence[Item]], Sequence[Result | Exception]], *, most: int) -> None:
        self.work, self.most = work, most
        self.door = Lock()
        self.busy = False
        self.waiting: list[Place[Item, Result]] = []

    def __call__(self, item: Item) -> Result:
        place: Place[Item, Result] = Place(item)
        if self.enter(place) or place.is_to_lead():
            self.lead()
        if place.alone:
            (place.answer,) = self.work([item])
        if isinstance(place.answer, Exception):
            raise place.answer
        return place.answer  # type: ignore[return-value]  # it was served

    def enter(self, place: Place[Item, Result]) -> bool:
        """Whether nobody is at work."""
        with self.door:
            self.waiting.append(place)
            first, self.busy = not self.busy, True
        return first

    def lead(self) -> None:
        with self.door:
            batch, self.waiting = self.waiting[: self.most], self.waiting[self.most :]
        try:
            self.serve(batch)
        finally:
            self.leave(batch)

    def serve(self, batch: Sequence[Place[Item, Result]]) -> None:
        for place in batch:
            place.served = place.alone = True
        try:
            answers = self.work([place.item for place in batch])
        except Exception as error:
            if len(batch) > 1:
                return
            answers = [error]
        for place, answer in zip(batch, answers, strict=True):
            place.answer, place.alone = answer, False

    def leave(self, batch: Sequence[Place[Item, Result]]) -> None:
        """The next one leads, and those that were served go on."""
        with self.door:
            self.busy = bool(self.waiting)
            for place in [*self.waiting[:1], *batch]:
                place.call.release()
