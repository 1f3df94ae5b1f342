"""The API's errors, as problem+json (RFC 9457)."""

from rest_framework.parsers import JSONParser
from rest_framework.views import exception_handler as handler

__all__ = ["StrictJSONParser", "handler"]


class StrictJSONParser(JSONParser):
    """JSON without its loopholes."""
