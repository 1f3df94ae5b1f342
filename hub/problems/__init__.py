"""The errors of the API as problem+json (RFC 9457), and the strict parsing of requests."""

from hub.problems.catalogue import CATALOGUE, ProblemKind
from hub.problems.refusals import Refusal, as_refusal, show_refusal
from hub.problems.responses import (
    Problem,
    bad_request,
    csrf_failure,
    handle_exception,
    not_found,
    permission_denied,
    server_error,
)
from hub.problems.strict_json import StrictJSONParser, StrictSerializer, read_json

__all__ = [
    "CATALOGUE",
    "ProblemKind",
    "Problem",
    "Refusal",
    "StrictJSONParser",
    "StrictSerializer",
    "as_refusal",
    "bad_request",
    "csrf_failure",
    "handle_exception",
    "not_found",
    "permission_denied",
    "read_json",
    "server_error",
    "show_refusal",
]
