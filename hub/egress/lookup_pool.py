"""Threads for name lookups, shared fairly: slow lookups of a tenant delay only that tenant."""

from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock
from typing import NamedTuple

Lookup = Callable[[str], Sequence[str]]  # raises OSError
MAX_THREADS, MAX_THREADS_PER_TENANT = 64, 8
lookup_tenant: ContextVar[Hashable] = ContextVar("lookup_tenant", default=None)


@contextmanager
def lookups_for_tenant(tenant: Hashable) -> Iterator[None]:
    """Charge the lookups of this block, and of tasks started in it, to the tenant."""
    token = lookup_tenant.set(tenant)
    try:
        yield
    finally:
        lookup_tenant.reset(token)


class PendingLookup(NamedTuple):
    tenant: Hashable
    future: Future[Sequence[str]]
    lookup: Lookup
    name: str


class LookupPool:
    """A thread pool for name lookups with a limit per tenant, and half of the free threads at most.

    A lookup cannot be cancelled: after its caller timed out, it occupies a thread, and counts for
    its tenant, until it returns.
    """

    def __init__(
        self, threads: int = MAX_THREADS, max_per_tenant: int = MAX_THREADS_PER_TENANT
    ) -> None:
        self.threads, self.max_per_tenant = threads, max_per_tenant
        self.executor = ThreadPoolExecutor(threads, thread_name_prefix="egress-names")
        self.lock = Lock()
        self.running: Counter[Hashable] = Counter()
        self.waiting: deque[PendingLookup] = deque()

    def submit(self, lookup: Lookup, name: str) -> Future[Sequence[str]]:
        pending = PendingLookup(lookup_tenant.get(), Future(), lookup, name)
        with self.lock:
            self.waiting.append(pending)
            self.start_waiting()
        return pending.future

    def start_waiting(self) -> None:
        """Start queued lookups of tenants below their limit, in order; requires the lock."""
        postponed: deque[PendingLookup] = deque()
        while self.waiting and self.running.total() < self.threads:
            pending = self.waiting.popleft()
            if pending.tenant is not None and self.running[pending.tenant] >= self.find_limit():
                postponed.append(pending)
            elif pending.future.set_running_or_notify_cancel():
                self.running[pending.tenant] += 1
                self.executor.submit(self.run, pending)
        self.waiting.extendleft(reversed(postponed))

    def find_limit(self) -> int:
        """Return how many lookups of one tenant may run; requires the lock.

        Half of the free threads, so that tenants whose lookups hang leave some to each other one;
        a tenant without lookups gets one thread.
        """
        free_threads = self.threads - self.running.total()
        return min(self.max_per_tenant, max(1, free_threads // 2))

    def run(self, pending: PendingLookup) -> None:
        try:
            pending.future.set_result(pending.lookup(pending.name))
        except BaseException as error:
            pending.future.set_exception(error)
        finally:
            with self.lock:
                self.running[pending.tenant] -= 1
                self.running += Counter()  # without those that have none
                self.start_waiting()
