"""What a company may call: tokens of its day, calls of one access token in two seconds, and
Cloudflare in front.
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
    """All that was spent; a restart begins afresh."""

    days: dict[tuple[str, int], int] = field(default_factory=lambda: defaultdict(int))
    calls: dict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))
    refused: RollingCount = field(default_factory=lambda: RollingCount(MINUTE))
    blocked_until: float = 0

    def block(self, at: float) -> ApiResponse | None:
        """Cloudflare's page, for whoever goes on after many 429s; it knows no company."""
        return ApiResponse(403, CLOUDFLARE, PAGE) if at < self.blocked_until else None

    def spend(self, company: Company, token: str, tokens: int, at: float) -> ApiResponse | None:
        """A 429 where one of both is spent; both count what they let through only."""
        calls = self._lately(token, at)
        if len(calls) >= burst(company):
            return self._refuse(at)
        if self._left(company, at) < tokens:
            return self._refuse(at)
        calls.append(at)
        self.days[company.company, int(at // DAY)] += tokens
        return None

    def headers(self, company: Company, token: str, at: float) -> dict[str, str]:
        calls = self._lately(token, at)
        headers = {
            "x-ratelimit-limit": burst(company),
            "x-ratelimit-remaining": burst(company) - len(calls),
            "x-ratelimit-reset": max(1, math.ceil(calls[0] + WINDOW - at)) if calls else WINDOW,
        }
        if company.daily_told:
            headers |= {"x-daily-ratelimit-token-limit": daily(company)}
            headers |= {"x-daily-ratelimit-token-remaining": self._left(company, at)}
        return {name: str(value) for name, value in headers.items()}

    def _refuse(self, at: float) -> ApiResponse:
        """No Retry-After: none is documented, x-ratelimit-reset tells of the two seconds alone."""
        if self.refused.add(at) >= IGNORED:
            self.blocked_until = at + BLOCK
        return ApiResponse(429, LIMITED)

    def _lately(self, token: str, at: float) -> deque[float]:
        calls = self.calls[token]
        while calls and calls[0] <= at - WINDOW:
            calls.popleft()
        return calls

    def _left(self, company: Company, at: float) -> int:
        """The day is UTC's here; where it really begins, nobody tells."""
        return max(0, daily(company) - self.days[company.company, int(at // DAY)])
