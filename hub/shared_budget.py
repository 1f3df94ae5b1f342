"""A limited amount in one process, of which each holder may use only a share; thread-safe."""

from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from threading import Condition


class BudgetExhausted(Exception):
    """The amount is currently not available, in total or for this holder."""


class SharedBudget:
    def __init__(self, limit: int, share: int | None = None) -> None:
        self.limit, self.share = limit, limit if share is None else share
        self.changed = Condition()
        self.used = 0
        self.used_by: Counter[Hashable] = Counter()

    def acquire(self, amount: int, holder: Hashable = None, *, timeout: float = 0.0) -> None:
        """Reserve an amount, waiting at most `timeout` seconds; the holder None has no share.

        Raises BudgetExhausted if the amount is not available in time.
        """
        with self.changed:
            if not self.changed.wait_for(lambda: self.has_room(amount, holder), timeout):
                raise BudgetExhausted
            self.used += amount
            self.used_by[holder] += amount

    def has_room(self, amount: int, holder: Hashable) -> bool:
        within_share = holder is None or self.used_by.get(holder, 0) + amount <= self.share
        return within_share and self.used + amount <= self.limit

    def release(self, amount: int, holder: Hashable = None) -> None:
        with self.changed:
            self.used -= amount
            self.used_by[holder] -= amount
            self.drop_idle_holder(holder)
            self.changed.notify_all()

    def drop_idle_holder(self, holder: Hashable) -> None:
        if not self.used_by[holder]:
            del self.used_by[holder]

    @contextmanager
    def acquire_for_block(self, amount: int, holder: Hashable = None) -> Iterator[None]:
        self.acquire(amount, holder)
        try:
            yield
        finally:
            self.release(amount, holder)
