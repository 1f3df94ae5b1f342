"""A condition that is asked last before a request is written, as connecting may have taken long."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

may_send: ContextVar[Callable[[], bool]] = ContextVar("may_send", default=lambda: True)


@contextmanager
def send_only_while(condition: Callable[[], bool]) -> Iterator[None]:
    """Withdraw the requests of this block that are not written yet once the condition is false.

    Such a call raises RequestWithdrawn. Only the async client asks.
    """
    token = may_send.set(condition)
    try:
        yield
    finally:
        may_send.reset(token)
