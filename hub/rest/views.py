"""The reading operations of REST, declared: a page of rows, and one row."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db.models import Q, QuerySet
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from hub.db.clock import clock
from hub.rest import openapi
from hub.rest.pagination import PageQuery, paginate_response, parse_query

# by the name of a parameter, the column that has its value, or a condition of the value
Filters = Mapping[str, str | Callable[[Any], Q]]


def build_list(
    operation: str,
    summary: str,
    description: str,
    serializer: type[Serializer],
    *,
    page: str,
    rows: Callable[[Request, dict[str, Any]], QuerySet[Any]],
    query: type[PageQuery] = PageQuery,
    filters: Filters | None = None,
    problems: Sequence[str] = openapi.READ_PROBLEMS,
) -> Any:
    """Build the method `get` that returns a page of rows, newest first.

    `rows` selects those that the key may read, in the tenant of the query. `page` is the name of
    the page in the OpenAPI document.
    """

    @openapi.describe_operation(
        operation,
        summary,
        {200: openapi.page_schema(serializer, page)},
        problems=problems,
        parameters=[query],
        description=description,
    )
    def get(view: APIView, request: Request) -> Response:
        values = parse_query(request, query, now=clock())
        selected = rows(request, values)
        for name, filter in (filters or {}).items():
            if name in values:
                selected = selected.filter(_build_condition(filter, values[name]))
        return paginate_response(request, selected, values, serializer)

    return get


def _build_condition(filter: str | Callable[[Any], Q], value: Any) -> Q:
    return Q(**{filter: value}) if isinstance(filter, str) else filter(value)


def build_detail(
    operation: str,
    summary: str,
    description: str,
    serializer: type[Serializer],
    find: Callable[..., Any],
    *,
    problems: Sequence[str] = ("not-found",),
    **options: Any,
) -> Any:
    """Build the method `get` that returns one row, which `find` finds by the parts of the URL."""

    @openapi.describe_operation(
        operation,
        summary,
        {200: serializer},
        problems=problems,
        description=description,
        **options,
    )
    def get(view: APIView, request: Request, **parts: Any) -> Response:
        return Response(serializer(find(request, **parts)).data)

    return get
