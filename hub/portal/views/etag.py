"""Answer unchanged page parts with 304."""

import hashlib

from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response


def respond_if_modified(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Return the response with its ETag, or 304 if the browser already has the same content."""
    etag = f'"{hashlib.sha256(response.content).hexdigest()[:32]}"'
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"
    return get_conditional_response(request, etag=etag, response=response) or response
