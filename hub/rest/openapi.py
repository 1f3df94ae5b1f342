"""Describe operations in OpenAPI: their responses and problems."""

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import wraps
from pathlib import Path
from typing import Any

from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    PolymorphicProxySerializer,
    extend_schema,
    inline_serializer,
)
from rest_framework import serializers
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from hub.problems import CATALOGUE, Problem

MEDIA_TYPE = "application/problem+json"
FORMAT_PARAMETER = "format"  # of REST framework: chooses the media type of the answer
COMMON_PROBLEMS = (
    "authentication-required",
    "malformed-key",
    "unknown-key",
    "expired-key",
    "revoked-key",
    "wrong-environment",
    "scope-missing",
    "not-acceptable",
    "quota-exceeded",
    "temporarily-unavailable",
    "overloaded",
)
BODY_PROBLEMS = (
    "invalid-json",
    "validation-failed",
    "unreadable-body",
    "request-timeout",
    "payload-too-large",
    "unsupported-media-type",
)
READ_PROBLEMS = ("validation-failed", "tenant-not-found")
CHANGE_PROBLEMS = ("not-found", "wrong-state")

# the responses to each operation by name, rendered over the rows of a test, which holds them equal
EXAMPLES: Mapping[str, Mapping[str, Any]] = json.loads(
    Path(__file__).with_name("examples.json").read_text()
)
EXAMPLE_TIME = "2026-11-25T12:00:00Z"
EXAMPLE_ID = "01a21100-0000-7000-8000-000000000001"
EXAMPLE_ORIGIN = "https://hub.example.com"


class ErrorSerializer(serializers.Serializer):
    pointer = serializers.CharField(
        help_text="A JSON pointer into the body, or the name of a parameter after a slash."
    )
    detail = serializers.CharField()
    code = serializers.CharField()


class ProblemSerializer(serializers.Serializer):
    """RFC 9457: what went wrong, identified by a stable `type`."""

    type = serializers.URLField(help_text="URL of a page that explains this kind of problem.")
    code = serializers.ChoiceField(list(CATALOGUE))
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    errors = ErrorSerializer(many=True)  # type: ignore[assignment]  # DRF has its own
    request_id = serializers.CharField()
    doc_url = serializers.URLField()
    retryable = serializers.BooleanField(help_text="true: the same request can succeed later.")


def describe_operation(
    operation: str,
    summary: str,
    answers: Mapping[int, Any],
    *,
    problems: Iterable[str] = (),
    **options: Any,
) -> Callable[[Any], Any]:
    """Describe an operation: its id, summary, responses by status, and possible problems.

    Its example responses are recorded; example requests are passed in `requests` as a list.
    A safe request with a query parameter that is not among `parameters` is refused.
    """
    (status, *_) = answers
    body_problems = BODY_PROBLEMS if options.get("request") is not None else ()
    response_examples = [
        response_example(name, value, status) for name, value in EXAMPLES.get(operation, {}).items()
    ]
    describe = extend_schema(
        operation_id=operation,
        summary=summary,
        responses={
            **answers,
            **_build_problem_responses((*COMMON_PROBLEMS, *body_problems, *problems)),
        },
        examples=[*response_examples, *options.pop("requests", ())],
        **options,
    )
    known_names = {FORMAT_PARAMETER, *_list_query_names(options.get("parameters", ()))}
    return lambda method: _refuse_unknown_parameters(describe(method), known_names)


def _list_query_names(parameters: Iterable[Any]) -> Iterator[str]:
    for parameter in parameters:
        if not isinstance(parameter, OpenApiParameter):  # a serializer of the whole query
            yield from parameter().fields
        elif parameter.location == OpenApiParameter.QUERY:
            yield parameter.name


def _refuse_unknown_parameters(method: Any, known_names: Collection[str]) -> Any:
    """Wrap a view's method: a mistyped filter would list all rows."""

    @wraps(method)
    def check_and_call(view: Any, request: Request, *args: Any, **kwargs: Any) -> Any:
        unknown = sorted(set(request.query_params) - set(known_names))
        if unknown and request.method in SAFE_METHODS:
            raise serializers.ValidationError(
                dict.fromkeys(unknown, "Unknown parameter."), code="unknown"
            )
        return method(view, request, *args, **kwargs)

    return check_and_call


def response_example(name: str, value: Any, status: int) -> OpenApiExample:
    return OpenApiExample(name, value=value, response_only=True, status_codes=[str(status)])


def request_example(name: str, value: Any, media_type: str = "application/json") -> OpenApiExample:
    return OpenApiExample(name, value=value, request_only=True, media_type=media_type)


def _build_problem_responses(codes: Iterable[str]) -> dict[tuple[int, str], OpenApiResponse]:
    by_status: dict[int, list[str]] = defaultdict(list)
    for code in dict.fromkeys(codes):
        by_status[CATALOGUE[code].status].append(code)
    return {
        (status, MEDIA_TYPE): _build_problem_response(codes_of_status)
        for status, codes_of_status in by_status.items()
    }


def _build_problem_response(codes: Iterable[str]) -> OpenApiResponse:
    return OpenApiResponse(
        ProblemSerializer,
        description=". ".join(CATALOGUE[code].title for code in codes) + ".",
        examples=[OpenApiExample(code, value=Problem(code).document(EXAMPLE_ID)) for code in codes],
    )


def header_parameter(name: str, description: str, **options: Any) -> OpenApiParameter:
    return OpenApiParameter(name, str, OpenApiParameter.HEADER, description=description, **options)


def one_of(name: str, *serializers: Any) -> PolymorphicProxySerializer:
    return PolymorphicProxySerializer(name, serializers, resource_type_field_name=None, many=False)


def page_schema(serializer: type[serializers.Serializer], name: str) -> serializers.Serializer:
    return inline_serializer(
        name,
        {
            "items": serializer(many=True),
            "next": serializers.URLField(
                allow_null=True, help_text="URL of the next page (older); also in the Link header."
            ),
            "prev": serializers.URLField(
                allow_null=True, help_text="URL of the previous page (newer)."
            ),
        },
    )


def list_schema(serializer: type[serializers.Serializer], name: str) -> serializers.Serializer:
    return inline_serializer(name, {"items": serializer(many=True)})
