"""Blocking calls to other systems: so many at a time in one process, and at most a share of them for one tenant.

Tests, exchanges of an authorization code and checks of our own app share one budget: each keeps a thread for up to
10 s, of the 32 of a web process.
"""

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from hub.shared_budget import BudgetExhausted, SharedBudget

CALLS_MOST, CALLS_MOST_OF_TENANT = 8, 2
WAITING_MOST = 4  # threads that wait for a slot at a time
CALLS = SharedBudget(CALLS_MOST, share=CALLS_MOST_OF_TENANT)
WAITING = SharedBudget(WAITING_MOST)
PLATFORM = "platform"  # who asks where there is no tenant: our own application, and staff
holds_slot: ContextVar[bool] = ContextVar("holds_slot", default=False)


@contextmanager
def provider_slot(tenant_id: int | None, *, within: float = 0.0) -> Iterator[None]:
    """Room for one blocking call after the other; a block inside another one uses its room.

    Waits `within` seconds at most, and not at all where enough threads wait. Raises BudgetExhausted.
    """
    if holds_slot.get():
        yield
        return
    holder = tenant_id or PLATFORM
    take_slot(holder, within)
    token = holds_slot.set(True)
    try:
        yield
    finally:
        holds_slot.reset(token)
        CALLS.give_back(1, holder)


def take_slot(holder: Hashable, within: float) -> None:
    try:
        CALLS.take(1, holder)
    except BudgetExhausted:
        if not within:
            raise
        with WAITING.taken(1):
            CALLS.take(1, holder, within=within)
