"""Names into addresses: asked by us, within a time of its own, and every answer is checked."""

import asyncio
import functools
import os
import socket
from collections.abc import Sequence

from hub.egress.errors import Unsent
from hub.egress.guard import Rules
from hub.egress.lookups import Lookup, LookupPool

WITHIN = 5.0  # seconds; getaddrinfo itself knows no deadline, hence the threads
ANSWERS = 8  # used at most; all are checked


def system_lookup(name: str) -> list[str]:
    found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


@functools.cache
def _pool(process: int) -> LookupPool:
    return LookupPool()  # per process: threads do not survive a fork


def resolve(host: str, port: int, rules: Rules, *, lookup: Lookup, within: float = WITHIN) -> tuple[str, ...]:
    """The addresses to connect to, and no others. Raises Unsent, Refused."""
    future = _pool(os.getpid()).submit(lookup, host)
    try:
        answers = future.result(within)
    except (OSError, UnicodeError):  # a TimeoutError is an OSError
        future.cancel()
        raise Unsent("dns_failed", host) from None
    return _checked(answers, host, port, rules)


async def resolve_async(
    host: str, port: int, rules: Rules, *, lookup: Lookup, within: float = WITHIN
) -> tuple[str, ...]:
    """The same, without blocking the loop."""
    future = asyncio.wrap_future(_pool(os.getpid()).submit(lookup, host))
    try:
        answers = await asyncio.wait_for(future, within)
    except (OSError, UnicodeError):
        raise Unsent("dns_failed", host) from None
    return _checked(answers, host, port, rules)


def _checked(answers: Sequence[str], host: str, port: int, rules: Rules) -> tuple[str, ...]:
    if not answers:
        raise Unsent("dns_failed", host)
    rules.check_answers(host, port, answers)
    return tuple(answers[:ANSWERS])
