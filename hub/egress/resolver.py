"""Resolve names to addresses, with a time-out, and check every address."""

import asyncio
import functools
import os
import socket
from collections.abc import Sequence

from hub.egress.errors import RequestNotSent
from hub.egress.lookup_pool import Lookup, LookupPool
from hub.egress.url_guard import EgressRules

LOOKUP_TIMEOUT = 5.0  # seconds; getaddrinfo itself knows no deadline, hence the threads
MAX_ADDRESSES = 8  # used at most; all are checked


def system_lookup(name: str) -> list[str]:
    address_infos = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in address_infos))


@functools.cache
def _get_lookup_pool(process: int) -> LookupPool:
    return LookupPool()  # per process: threads do not survive a fork


def resolve_host(
    host: str, port: int, rules: EgressRules, *, lookup: Lookup, timeout: float = LOOKUP_TIMEOUT
) -> tuple[str, ...]:
    """Return the addresses to connect to.

    Raises RequestNotSent if the name does not resolve in time, EgressRefused for a denied address.
    """
    future = _get_lookup_pool(os.getpid()).submit(lookup, host)
    try:
        answers = future.result(timeout)
    except (OSError, UnicodeError):  # a TimeoutError is an OSError
        future.cancel()
        raise RequestNotSent("dns_failed", host) from None
    return _check_addresses(answers, host, port, rules)


async def resolve_host_async(
    host: str, port: int, rules: EgressRules, *, lookup: Lookup, timeout: float = LOOKUP_TIMEOUT
) -> tuple[str, ...]:
    """Resolve like `resolve_host`, without blocking the event loop; raises the same errors."""
    future = asyncio.wrap_future(_get_lookup_pool(os.getpid()).submit(lookup, host))
    try:
        answers = await asyncio.wait_for(future, timeout)
    except (OSError, UnicodeError):
        raise RequestNotSent("dns_failed", host) from None
    return _check_addresses(answers, host, port, rules)


def _check_addresses(
    answers: Sequence[str], host: str, port: int, rules: EgressRules
) -> tuple[str, ...]:
    if not answers:
        raise RequestNotSent("dns_failed", host)
    rules.check_answers(host, port, answers)
    return tuple(answers[:MAX_ADDRESSES])
