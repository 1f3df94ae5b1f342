"""Requests of the API: each is counted for its key and its tenant, and its answer tells what is left.

The headers RateLimit-Policy and RateLimit follow draft-ietf-httpapi-ratelimit-headers-10 (27 September 2025).
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from hub.clock import clock
from hub.limits.counting import Remaining
from hub.limits.exceeded import LimitExceeded
from hub.limits.spending import spend


class WithinLimits(BasePermission):
    """Stands before the scopes, so that what a key may not do is counted, too.

    A view whose POST takes events says `takes_events = True`: these are counted by number and size.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        if request.auth is not None:
            count_request(request, amounts_of(request, view))
        return True


def count_request(request: Request, amounts: Mapping[str, int]) -> None:
    """Raises LimitExceeded; either way the answer tells what is left."""
    try:
        remember(request, spend(request.auth, amounts, now=clock()))
    except LimitExceeded as refused:
        remember(request, refused.remaining)
        raise


def amounts_of(request: Request, view: Any) -> dict[str, int]:
    if request.method == "POST" and getattr(view, "takes_events", False):
        return {"events": 1, "bytes": int(request.META.get("CONTENT_LENGTH") or 0)}
    return {"requests": 1}


def remember(request: Request, remaining: Iterable[Remaining]) -> None:
    """For the headers of the answer; of each limit the tightest."""
    known: dict[str, Remaining] = getattr(request._request, "rate_limits", {})
    for one in remaining:
        other = known.get(one.charge.name)
        if other is None or one.amount <= other.amount:
            known[one.charge.name] = one
    request._request.rate_limits = known


class LimitsMiddleware:
    """Adds the headers; and shows a person a page where one of their acts exceeds a limit."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if limits := getattr(request, "rate_limits", {}).values():
            response.headers["RateLimit-Policy"] = ", ".join(map(policy, limits))
            response.headers["RateLimit"] = ", ".join(map(state, limits))
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, LimitExceeded):
            return None
        context = {"sentence": str(exception.detail), "again": exception.again}
        return render(request, "limits/exceeded.html", context, status=exception.status_code)


def policy(remaining: Remaining) -> str:
    unit = ';qu="content-bytes"' if remaining.charge.name == "bytes" else ""
    return f'"{remaining.charge.name}";q={remaining.charge.quota};w={remaining.charge.seconds}{unit}'


def state(remaining: Remaining) -> str:
    return f'"{remaining.charge.name}";r={remaining.amount};t={remaining.seconds}'
