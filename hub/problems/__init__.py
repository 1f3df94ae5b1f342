"""The API's errors, as problem+json (RFC 9457), and the strict reading of what comes in."""

from hub.problems.answers import Problem, bad_request, csrf_failure, handler, not_found, permission_denied, server_error
from hub.problems.catalogue import CATALOGUE, Kind
from hub.problems.strict import StrictJSONParser, StrictSerializer, read_json

__all__ = [
    "CATALOGUE",
    "Kind",
    "Problem",
    "StrictJSONParser",
    "StrictSerializer",
    "bad_request",
    "csrf_failure",
    "handler",
    "not_found",
    "permission_denied",
    "read_json",
    "server_error",
]
