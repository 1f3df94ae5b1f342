"""What the hub says about itself: one line of JSON for each thing that happened."""

import logging
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.views.debug import SafeExceptionReporterFilter


def configure(options: dict) -> None:
    logging.basicConfig(level=options["level"])


class RequestIdMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)


class ReporterFilter(SafeExceptionReporterFilter):
    """What an error report may show."""
