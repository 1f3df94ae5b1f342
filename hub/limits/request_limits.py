"""Count API requests per key and tenant; the response headers state what is left.

The headers RateLimit-Policy and RateLimit follow draft-ietf-httpapi-ratelimit-headers-10 (27
September 2025).
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from hub.db.clock import clock
from hub.limits.definitions import LimitedKey
from hub.limits.exceeded import LimitExceeded
from hub.limits.shared_counts import RemainingQuota
from hub.limits.spending import spend_limits


class WithinLimits(BasePermission):
    """Count each authenticated request, before its scopes are checked: forbidden ones count too.

    A view whose POST accepts events sets `takes_events = True`: such a request counts as one event
    and its bytes. With `takes_log_lines = True` its bytes count beside the request.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        if request.auth is not None:
            count_request(request, _compute_request_amounts(request, view))
        return True


def count_request(request: Request, amounts: Mapping[str, int]) -> None:
    """Spend the request's quota; the response headers state what is left.

    Raises LimitExceeded if a quota is exhausted; the headers are set then, too.
    """
    try:
        _remember_remaining(
            request, spend_limits(cast("LimitedKey", request.auth), amounts, now=clock())
        )
    except LimitExceeded as limit_error:
        _remember_remaining(request, limit_error.remaining)
        raise


def _compute_request_amounts(request: Request, view: Any) -> dict[str, int]:
    if request.method == "POST" and getattr(view, "takes_events", False):
        return {"events": 1, "bytes": _content_length(request)}
    if request.method == "POST" and getattr(view, "takes_log_lines", False):
        return {"requests": 1, "log_bytes": _content_length(request)}
    return {"requests": 1}


def _content_length(request: Request) -> int:
    return int(request.META.get("CONTENT_LENGTH") or 0)


def _remember_remaining(request: Request, remaining: Iterable[RemainingQuota]) -> None:
    """Store the smallest remaining amount of each limit for the response headers."""
    tightest: dict[str, RemainingQuota] = getattr(request._request, "rate_limits", {})
    for quota in remaining:
        known_quota = tightest.get(quota.charge.name)
        if known_quota is None or quota.amount_left <= known_quota.amount_left:
            tightest[quota.charge.name] = quota
    request._request.rate_limits = tightest  # type: ignore[attr-defined]  # for our middleware


class LimitsMiddleware:
    """Add the RateLimit headers, and show users a page if their action exceeds a limit."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if limits := getattr(request, "rate_limits", {}).values():
            response.headers["RateLimit-Policy"] = ", ".join(map(_format_policy, limits))
            response.headers["RateLimit"] = ", ".join(map(format_ratelimit_header, limits))
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, LimitExceeded):
            return None
        context = {"sentence": str(exception.detail), "again": exception.retry_at}
        return render(request, "limits/exceeded.html", context, status=exception.status_code)


def _format_policy(remaining: RemainingQuota) -> str:
    unit = ';qu="content-bytes"' if remaining.charge.name in ("bytes", "log_bytes") else ""
    return (
        f'"{remaining.charge.name}";q={remaining.charge.quota};w={remaining.charge.seconds}{unit}'
    )


def format_ratelimit_header(remaining: RemainingQuota) -> str:
    return f'"{remaining.charge.name}";r={remaining.amount_left};t={remaining.seconds_left}'
