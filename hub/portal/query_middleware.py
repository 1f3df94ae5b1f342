"""Remove NUL from the query of a page: no stored text contains it, and PostgreSQL rejects it."""

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from hub.problems.responses import API_PREFIXES

NUL, REPLACEMENT = re.compile(r"%00|\0"), "%EF%BF%BD"  # U+FFFD, which is the name of nothing


class QueryMiddleware:
    """Replace each NUL in the query of a page, so that the search finds nothing instead of failing.

    The API rejects it with the name of the field.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        query = request.META.get("QUERY_STRING", "")
        if NUL.search(query) and not request.path.startswith(API_PREFIXES):
            request.META["QUERY_STRING"] = NUL.sub(REPLACEMENT, query)
        return self.get_response(request)
