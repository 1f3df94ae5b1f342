"""How much JSON is read at a time: objects take many times the memory of their text, so they are counted before."""

import re
from collections import Counter
from collections.abc import Callable
from itertools import islice
from threading import Lock
from typing import Any

from hub.problems.answers import Problem

MEBIBYTE = 1024 * 1024
VALUES_MOST = 250_000  # of one document; objects of so many take 80 MB at most
VALUE_BYTES = 64  # by which a value weighs, where that is more than its text
TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[,\[{]')
SEPARATORS = (b",", b"[", b"{")


def weight_of(raw: bytes) -> int:
    """In bytes, by the text and by its values. Raises Problem where there are more values than a document may hold."""
    values = sum(raw.count(separator) for separator in SEPARATORS)
    if values > VALUES_MOST and (values := separators_outside_texts(raw)) > VALUES_MOST:
        raise Problem("payload-too-large", f"A JSON document holds at most {VALUES_MOST:,} values.")
    return max(len(raw), values * VALUE_BYTES)


def separators_outside_texts(raw: bytes) -> int:
    """Exact where the text is JSON; counting ends soon after there are too many."""
    tokens = islice(TOKEN.finditer(raw), 4 * VALUES_MOST)  # a value has two texts at most: its name and itself
    return sum(raw[token.start()] != ord('"') for token in tokens)


class ParsingBudget:
    """Of one process: what all requests read, and at most a quarter of it for one tenant."""

    def __init__(self, limit: int) -> None:
        self.limit, self.share = limit, limit // 4
        self.lock = Lock()
        self.used = 0
        self.used_by: Counter[Any] = Counter()

    def take(self, weight: int, tenant: Any) -> None:
        """`tenant` is None for what is no tenant's. Raises Problem("overloaded")."""
        with self.lock:
            beyond_share = tenant is not None and self.used_by[tenant] + weight > self.share
            if beyond_share or self.used + weight > self.limit:
                raise Problem("overloaded", headers={"Retry-After": "1"})
            self.used += weight
            self.used_by[tenant] += weight

    def give_back(self, weight: int, tenant: Any) -> None:
        with self.lock:
            self.used -= weight
            self.used_by[tenant] -= weight
            if not self.used_by[tenant]:
                del self.used_by[tenant]


PARSING = ParsingBudget(64 * MEBIBYTE)


class ParsingMiddleware:
    """What a request has read counts until it is answered: so long its objects are there."""

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> Any:
        request.parsed = []
        try:
            return self.get_response(request)
        finally:
            for weight, tenant in request.parsed:
                PARSING.give_back(weight, tenant)


def count_parsing(request: Any, raw: bytes) -> None:
    """Before it is read: count it for the tenant of the key. Raises Problem."""
    weight, tenant = weight_of(raw), getattr(request.user, "tenant_id", None)
    PARSING.take(weight, tenant)
    request.parsed.append((weight, tenant))
