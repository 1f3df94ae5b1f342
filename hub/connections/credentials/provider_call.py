"""Blocking calls to other systems: so many at a time in one process, and at most a share of them for one tenant.

Tests, exchanges of an authorization code and checks of our own app share one budget: each keeps a thread for up to
10 s, of the 32 of a web process.
"""

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from hub.shared_budget import BudgetExhausted, SharedBudget

PROVIDER_CALLS_MAX, PROVIDER_CALLS_MAX_OF_TENANT = 8, 2
WAITING_MAX = 4  # threads that wait for a slot at a time
PROVIDER_CALL_BUDGET = SharedBudget(PROVIDER_CALLS_MAX, share=PROVIDER_CALLS_MAX_OF_TENANT)
WAITING_BUDGET = SharedBudget(WAITING_MAX)
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
        PROVIDER_CALL_BUDGET.release(1, holder)


def take_slot(holder: Hashable, within: float) -> None:
    try:
        PROVIDER_CALL_BUDGET.acquire(1, holder)
    except BudgetExhausted:
        if not within:
            raise
        with WAITING_BUDGET.acquire_for_block(1):
            PROVIDER_CALL_BUDGET.acquire(1, holder, within=within)
