"""How much JSON is read at a time: objects take many times the memory of their text, so they are counted before."""

import re
from collections.abc import Callable
from itertools import islice
from typing import Any

from rest_framework.request import Empty

from hub.problems.responses import Problem
from hub.shared_budget import BudgetExhausted, SharedBudget

MEBIBYTE = 1024 * 1024
MAX_VALUES = 250_000  # of one document; objects of so many take 80 MB at most
VALUE_BYTES = 64  # by which a value weighs, where that is more than its text
# A text that nothing ends is a token, too: else each quote in it would be tried, and read to the end.
TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[,\[{]')
SEPARATORS = (b",", b"[", b"{")


def estimate_weight(raw: bytes) -> int:
    """In bytes, by the text and by its values. Raises Problem where there are more values than a document may hold."""
    values = sum(raw.count(separator) for separator in SEPARATORS)
    if values > MAX_VALUES and (values := count_separators(raw)) > MAX_VALUES:
        raise Problem("payload-too-large", f"A JSON document holds at most {MAX_VALUES:,} values.")
    return max(len(raw), values * VALUE_BYTES)


def count_separators(raw: bytes) -> int:
    """Exact where the text is JSON; counting ends soon after there are too many."""
    tokens = islice(
        TOKEN.finditer(raw), 4 * MAX_VALUES
    )  # a value has two texts at most: its name and itself
    return sum(raw[token.start()] != ord('"') for token in tokens)


PARSE_BUDGET = SharedBudget(
    64 * MEBIBYTE, share=16 * MEBIBYTE
)  # bytes, of one process; the share of one tenant


class ParsingMiddleware:
    """What a request has read counts until it is answered: so long its objects are there."""

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> Any:
        request.parsed = []
        try:
            return self.get_response(request)
        finally:
            for weight, tenant, parsed in request.parsed:
                _release_contents(parsed)
                PARSE_BUDGET.release(weight, tenant)


def _release_contents(request: Any) -> None:
    """A request of Django REST framework refers to itself: what it holds would stay until the collector comes by."""
    request.raw_body = b""
    vars(request).update(_data=Empty, _full_data=Empty)


def reserve_parsing(request: Any, raw: bytes) -> None:
    """Before it is read: count it for the tenant of the key. Raises Problem."""
    tenant = getattr(request.auth, "tenant_id", None)
    request.parsed.append(
        (0, tenant, request)
    )  # what it holds is forgotten even where it is refused
    weight = estimate_weight(raw)
    try:
        PARSE_BUDGET.acquire(weight, tenant)
    except BudgetExhausted:
        raise Problem("overloaded", headers={"Retry-After": "1"}) from None
    request.parsed[-1] = (weight, tenant, request)
