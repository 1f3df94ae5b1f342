"""Convert exceptions to problem+json, in REST framework's views and in Django's error handlers."""

import logging
import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from traceback import clear_frames
from typing import Any

from django.conf import settings
from django.core import exceptions as django
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.views import csrf, defaults
from rest_framework import exceptions as drf
from rest_framework.response import Response
from rest_framework.serializers import as_serializer_error
from rest_framework.settings import api_settings

from hub.problems.catalogue import CATALOGUE
from hub.problems.refusals import Refusal

MEDIA_TYPE = "application/problem+json"
# errors below these paths are problems, not pages, even Django's own
API_PREFIXES = ("/api/", "/hooks/")
MAX_ERRORS = 50  # of one answer

log = logging.getLogger(__name__)

CODES_BY_EXCEPTION = {
    Http404: "not-found",
    UnreadablePostError: "unreadable-body",
    django.PermissionDenied: "permission-denied",
    django.SuspiciousOperation: "bad-request",
    django.RequestDataTooBig: "payload-too-large",
    drf.NotFound: "not-found",
    drf.PermissionDenied: "permission-denied",
    drf.NotAuthenticated: "authentication-required",
    drf.AuthenticationFailed: "authentication-required",
    drf.ParseError: "bad-request",
    drf.MethodNotAllowed: "method-not-allowed",
    drf.NotAcceptable: "not-acceptable",
    drf.UnsupportedMediaType: "unsupported-media-type",
    drf.Throttled: "quota-exceeded",
    OperationalError: "temporarily-unavailable",
    InterfaceError: "temporarily-unavailable",
}


class Problem(drf.APIException):
    """An error of the API: a code of CATALOGUE, a detail, and errors with JSON pointers."""

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        errors: Iterable[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.code = code
        self.kind = CATALOGUE[code]
        self.status_code = self.kind.status
        self.errors = list(errors)
        self.headers = dict(headers or {})
        super().__init__(detail or self.kind.explanation, code)

    def document(self, request_id: str) -> dict[str, Any]:
        page = f"{settings.HUB_PUBLIC_URL}/problems/{self.code}"
        return {
            "type": page,
            "code": self.code,
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": str(self.detail),
            "errors": self.errors,
            "request_id": request_id,
            "doc_url": page,
            "retryable": self.kind.retryable,
        }


def handle_exception(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """Return the problem of an exception; None for an unexpected one, which `server_error` answers.

    Set as REST framework's EXCEPTION_HANDLER.
    """
    problem = _convert_exception(error)
    if problem is None:
        return None
    is_meant = isinstance(error, Problem | Refusal) and error.__cause__ is None
    if problem.kind.status >= 500 and not is_meant:
        log.error("answered %s", problem.code, exc_info=error)
    clear_frames(error.__traceback__)  # they refer to the body until the garbage collector runs
    return Response(
        problem.document(read_request_id(context["request"])),
        status=problem.kind.status,
        headers=_build_problem_headers(problem),
        content_type=MEDIA_TYPE,
    )


def _convert_exception(error: Exception) -> Problem | None:
    if isinstance(error, Problem):
        return error
    if isinstance(error, Refusal):
        return _build_refusal_problem(error)
    if isinstance(error, drf.ValidationError | django.ValidationError):
        return Problem(
            "validation-failed",
            errors=islice(_flatten_errors(as_serializer_error(error)), MAX_ERRORS),
        )
    code = next(
        (
            CODES_BY_EXCEPTION[ancestor]
            for ancestor in type(error).__mro__
            if ancestor in CODES_BY_EXCEPTION
        ),
        None,
    )
    return Problem(code, headers=_retry_after_headers(error)) if code else None


def _build_refusal_problem(refusal: Refusal) -> Problem:
    """Build the problem of a refusal; the catalogue explains one without a sentence of its own."""
    is_explained = refusal.sentence is Refusal.sentence or refusal.code == "validation-failed"
    return Problem(
        refusal.code,
        "" if is_explained else str(refusal),
        errors=refusal.list_errors(),
        headers=_retry_after_headers(refusal),
    )


def _retry_after_headers(error: Exception) -> dict[str, str]:
    wait = getattr(error, "wait", None)
    return {} if wait is None else {"Retry-After": str(math.ceil(wait))}


def _build_problem_headers(problem: Problem) -> dict[str, str]:
    return problem.headers | (
        {"WWW-Authenticate": 'Bearer realm="hub"'} if problem.kind.status == 401 else {}
    )


def _flatten_errors(errors: Any, pointer: str = "") -> Iterator[dict[str, str]]:
    """Flatten the nested errors of a serializer; each gets its JSON pointer."""
    if isinstance(errors, Mapping):
        for name, nested_errors in errors.items():
            yield from _flatten_errors(
                nested_errors,
                pointer
                if name == api_settings.NON_FIELD_ERRORS_KEY
                else f"{pointer}/{pointer_token(name)}",
            )
    elif isinstance(errors, list | tuple):
        for index, nested_errors in enumerate(errors):
            nested = isinstance(nested_errors, Mapping | list | tuple)
            yield from _flatten_errors(nested_errors, f"{pointer}/{index}" if nested else pointer)
    else:
        yield {
            "pointer": pointer,
            "detail": str(errors),
            "code": getattr(errors, "code", None) or "invalid",
        }


def pointer_token(name: Any) -> str:
    """Return the name or index as a reference token of a JSON pointer (RFC 6901)."""
    return str(name).replace("~", "~0").replace("/", "~1")


def read_request_id(request: Any) -> str:
    return getattr(request, "request_id", "")


def build_problem_response(request: HttpRequest, code: str) -> HttpResponse:
    problem = Problem(code)
    return JsonResponse(
        problem.document(read_request_id(request)),
        status=problem.kind.status,
        headers=_build_problem_headers(problem),
        content_type=MEDIA_TYPE,
    )


def _is_api_request(request: HttpRequest) -> bool:
    return request.path.startswith(API_PREFIXES)


# --- handler400, handler403, handler404, handler500 and CSRF_FAILURE_VIEW -------------------------


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return (
        build_problem_response(request, "bad-request")
        if _is_api_request(request)
        else defaults.bad_request(request, exception)
    )


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return (
        build_problem_response(request, "permission-denied")
        if _is_api_request(request)
        else defaults.permission_denied(request, exception)
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return (
        build_problem_response(request, "not-found")
        if _is_api_request(request)
        else defaults.page_not_found(request, exception)
    )


def server_error(request: HttpRequest) -> HttpResponse:
    return (
        build_problem_response(request, "internal-error")
        if _is_api_request(request)
        else defaults.server_error(request)
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return (
        build_problem_response(request, "csrf-failed")
        if _is_api_request(request)
        else csrf.csrf_failure(request, reason)
    )
