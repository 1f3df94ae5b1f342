"""Answer unchanged page parts with 304, and reload the page where more of it has changed."""

import hashlib

from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response


def respond_if_modified(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Return the response with its ETag, or 304 if the browser already has the same content."""
    etag = f'"{hashlib.sha256(response.content).hexdigest()[:32]}"'
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"
    return get_conditional_response(request, etag=etag, response=response) or response


def respond_or_reload(
    request: HttpRequest, response: HttpResponse, *, has_ended: bool
) -> HttpResponse:
    """Return the part of a page, as `respond_if_modified` does, until what it shows has ended.

    Then the browser reloads the whole page, whose other texts and buttons differ.
    """
    if has_ended:
        response["HX-Refresh"] = "true"
        return response
    return respond_if_modified(request, response)
