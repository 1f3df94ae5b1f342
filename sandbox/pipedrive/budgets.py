"""Limits of a company: tokens per day, calls of one access token in two seconds, and Cloudflare's
block.
"""

import math
from collections import defaultdict, deque
from dataclasses import dataclass, field

from sandbox.pipedrive.accounts import Company
from sandbox.rate_limits import RollingCount
from sandbox.system import ApiResponse

DAY, WINDOW = 24 * 3600, 2
TOKENS = {
    "lite": 30_000,
    "growth": 60_000,
    "premium": 150_000,
    "ultimate": 210_000,
}  # a seat and day
BURST = {
    "lite": 80,
    "growth": 160,
    "premium": 400,
    "ultimate": 480,
}  # calls of an OAuth token in two seconds
COSTS = {  # of v2; v1 costs twice as much
    "read": 1,
    "list": 10,
    "archive": 20,  # of deals
    "write": 5,
    "delete": 3,
    "search": 20,
    "short list": 5,  # pipelines and stages
    "summary": 20,  # of deals; what it costs is not documented
}
IGNORED, MINUTE = 30, 60  # so many refused calls in a minute, and Cloudflare blocks
BLOCK = 300  # seconds: nobody tells how long it really lasts
LIMITED = {
    "success": False,
    "error": "request over limit",
    "errorCode": 429,
}  # the real words are not documented
CLOUDFLARE = (
    "<!DOCTYPE html><html><head><title>Access denied | pipedrive.com used Cloudflare to restrict "
    "access</title></head>"
    "<body><h1>Error 1015</h1><p>You are being rate limited</p></body></html>"
)
PAGE = {"Content-Type": "text/html; charset=UTF-8", "Server": "cloudflare"}


def daily(company: Company) -> int:
    return company.daily_tokens or TOKENS[company.plan] * company.seats


def burst(company: Company) -> int:
    return company.burst or BURST[company.plan]


def cost(verb: str, version: str) -> int:
    return COSTS[verb] * (1 if version == "v2" else 2)


@dataclass
class Budgets:
    """What companies have spent; empty after a restart."""

    days: dict[tuple[str, int], int] = field(default_factory=lambda: defaultdict(int))
    calls: dict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))
    refused: RollingCount = field(default_factory=lambda: RollingCount(MINUTE))
    blocked_until: float = 0

    def block(self, at: float) -> ApiResponse | None:
        """Return Cloudflare's page if calls continued after many 429s, whatever the company."""
        return ApiResponse(403, CLOUDFLARE, PAGE) if at < self.blocked_until else None

    def spend(self, company: Company, token: str, tokens: int, at: float) -> ApiResponse | None:
        """Spend the tokens; return a 429 if one of both limits is reached. Refused calls are not
        counted.
        """
        calls = self._list_recent_times(token, at)
        if len(calls) >= burst(company):
            return self._refuse(at)
        if self._count_remaining(company, at) < tokens:
            return self._refuse(at)
        calls.append(at)
        self.days[company.company, int(at // DAY)] += tokens
        return None

    def headers(self, company: Company, token: str, at: float) -> dict[str, str]:
        calls = self._list_recent_times(token, at)
        headers = {
            "x-ratelimit-limit": burst(company),
            "x-ratelimit-remaining": burst(company) - len(calls),
            "x-ratelimit-reset": max(1, math.ceil(calls[0] + WINDOW - at)) if calls else WINDOW,
        }
        if company.daily_told:
            headers |= {"x-daily-ratelimit-token-limit": daily(company)}
            headers |= {"x-daily-ratelimit-token-remaining": self._count_remaining(company, at)}
        return {name: str(value) for name, value in headers.items()}

    def _refuse(self, at: float) -> ApiResponse:
        """Build the 429. It has no Retry-After, as none is documented; x-ratelimit-reset refers to
        the two seconds only.
        """
        if self.refused.add(at) >= IGNORED:
            self.blocked_until = at + BLOCK
        return ApiResponse(429, LIMITED)

    def _list_recent_times(self, token: str, at: float) -> deque[float]:
        calls = self.calls[token]
        while calls and calls[0] <= at - WINDOW:
            calls.popleft()
        return calls

    def _count_remaining(self, company: Company, at: float) -> int:
        """Return the tokens that are left for the day in UTC; when Pipedrive's day begins is not
        documented.
        """
        return max(0, daily(company) - self.days[company.company, int(at // DAY)])
