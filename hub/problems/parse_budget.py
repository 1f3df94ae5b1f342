"""Limit the memory of JSON that is parsed at a time, which is many times the size of its text.

It is estimated and reserved before parsing.
"""

import re
from collections.abc import Callable
from itertools import islice
from typing import Any

from rest_framework.request import Empty

from hub.problems.responses import Problem
from hub.shared_budget import BudgetExhausted, SharedBudget

MEBIBYTE = 1024 * 1024
MAX_VALUES = 250_000  # of one document; their objects take 80 MB at most
VALUE_BYTES = 64  # the size of a value if its text is shorter
# An unterminated string is a token, too: otherwise each quote in it would start a scan to the end.
TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[,\[{]')
SEPARATORS = (b",", b"[", b"{")


def estimate_memory(raw: bytes) -> int:
    """Return the estimated memory of the parsed document in bytes, by its length and values.

    Raises Problem ("payload-too-large") if it has more than MAX_VALUES values.
    """
    values = sum(raw.count(separator) for separator in SEPARATORS)
    if values > MAX_VALUES and (values := count_separators(raw)) > MAX_VALUES:
        raise Problem(
            "payload-too-large", f"A JSON document can contain at most {MAX_VALUES:,} values."
        )
    return max(len(raw), values * VALUE_BYTES)


def count_separators(raw: bytes) -> int:
    """Count the commas and opening brackets outside strings; exact for valid JSON.

    Counting stops after 4 × MAX_VALUES tokens.
    """
    # a value has at most two strings: its name and itself
    tokens = islice(TOKEN.finditer(raw), 4 * MAX_VALUES)
    return sum(raw[token.start()] != ord('"') for token in tokens)


# bytes, of one process; the share of one tenant
PARSE_BUDGET = SharedBudget(64 * MEBIBYTE, share=16 * MEBIBYTE)


class ParsingMiddleware:
    """Release the memory that a request reserved for parsing, when the request is answered."""

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> Any:
        request.parsed = []
        try:
            return self.get_response(request)
        finally:
            for size, tenant, parsed in request.parsed:
                _release_contents(parsed)
                PARSE_BUDGET.release(size, tenant)


def _release_contents(request: Any) -> None:
    """Drop the body and its data, as its request is a reference cycle, freed late."""
    request.raw_body = b""
    vars(request).update(_data=Empty, _full_data=Empty)


def reserve_parsing(request: Any, raw: bytes) -> None:
    """Reserve memory for parsing the body, counted for the tenant of the API key.

    Raises Problem: "payload-too-large" for too many values, "overloaded" if the budget is
    exhausted.
    """
    tenant = getattr(request.auth, "tenant_id", None)
    request.parsed.append((0, tenant, request))  # its contents are released even if it is rejected
    size = estimate_memory(raw)
    try:
        PARSE_BUDGET.acquire(size, tenant)
    except BudgetExhausted:
        raise Problem("overloaded", headers={"Retry-After": "1"}) from None
    request.parsed[-1] = (size, tenant, request)
