"""So much of something at a time in one process, and at most a share of it for one holder; from any thread."""

from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from threading import Lock


class BudgetExhausted(Exception):
    """There is no more at this moment, or no more for this holder."""


class SharedBudget:
    def __init__(self, limit: int, share: int | None = None) -> None:
        self.limit, self.share = limit, limit if share is None else share
        self.lock = Lock()
        self.used = 0
        self.used_by: Counter[Hashable] = Counter()

    def take(self, amount: int, holder: Hashable = None) -> None:
        """None is nobody in particular, and has no share. Raises BudgetExhausted."""
        with self.lock:
            beyond_share = holder is not None and self.used_by[holder] + amount > self.share
            if beyond_share or self.used + amount > self.limit:
                self.forget_idle(holder)
                raise BudgetExhausted
            self.used += amount
            self.used_by[holder] += amount

    def give_back(self, amount: int, holder: Hashable = None) -> None:
        with self.lock:
            self.used -= amount
            self.used_by[holder] -= amount
            self.forget_idle(holder)

    def forget_idle(self, holder: Hashable) -> None:
        if not self.used_by[holder]:
            del self.used_by[holder]

    @contextmanager
    def taken(self, amount: int, holder: Hashable = None) -> Iterator[None]:
        self.take(amount, holder)
        try:
            yield
        finally:
            self.give_back(amount, holder)
