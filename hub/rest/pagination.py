"""Paginate lists by keyset, newest first; pages are stable while rows are added.

A cursor identifies a row; it is signed and opaque.
"""

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from hub.problems import StrictSerializer
from hub.rest.fields import PublicRow
from hub.rest.validation import validate_data

DEFAULT_LIMIT, MAX_LIMIT = 50, 200
SALT = "hub.rest.pagination"


class CursorField(serializers.CharField):
    """A cursor from `next` or `prev` of a page, parsed to the public id of its row."""

    default_error_messages = {"strange": "Not a valid cursor. Start at the first page."}

    def to_internal_value(self, data: Any) -> UUID:  # type: ignore[override]  # DRF: a text
        try:
            return UUID(signing.loads(super().to_internal_value(data), salt=SALT))
        except (signing.BadSignature, ValueError):
            self.fail("strange")


class PageQuery(StrictSerializer):
    """The query of every list.

    Unknown parameters are errors, as a mistyped filter would list all rows.
    """

    from_query = True

    limit = serializers.IntegerField(min_value=1, max_value=MAX_LIMIT, default=DEFAULT_LIMIT)
    after = CursorField(required=False, help_text="Cursor from `next`: the next page (older).")
    before = CursorField(required=False, help_text="Cursor from `prev`: the previous page (newer).")


def parse_query(request: Request, query: type[StrictSerializer], **context: Any) -> dict[str, Any]:
    repeated = [name for name, values in request.query_params.lists() if len(values) > 1]
    if repeated:
        raise ValidationError(
            dict.fromkeys(repeated, "Given twice. Send it only once."), code="repeated"
        )
    return validate_data(query, request.query_params.dict(), **context)


def paginate_response(
    request: Request,
    rows: QuerySet[Any],
    query: dict[str, Any],
    serializer: type[serializers.Serializer],
) -> Response:
    """Return one page of `rows` with URLs of the next and previous one, also as Link headers."""
    limit, backwards = query["limit"], "before" in query and "after" not in query
    items = list(
        _filter_after_cursor(rows, query, backwards).order_by("pk" if backwards else "-pk")[
            : limit + 1
        ]
    )
    return _build_page(request, items, query, backwards=backwards, serializer=serializer)


def _build_page(
    request: Request,
    items: list[Any],
    query: dict[str, Any],
    *,
    backwards: bool,
    serializer: type[serializers.Serializer],
) -> Response:
    """Return the page with the first rows; a row beyond the limit shows a next page."""
    limit = query["limit"]
    has_more, items = len(items) > limit, items[:limit]
    if backwards:
        items.reverse()
    neighbours = {
        "next": neighbour_url(request, "after", items[-1])
        if items and (has_more or backwards)
        else None,
        "prev": neighbour_url(request, "before", items[0])
        if items and (has_more if backwards else "after" in query)
        else None,
    }
    links = ", ".join(f'<{url}>; rel="{name}"' for name, url in neighbours.items() if url)
    body = {"items": serializer(items, many=True).data, **neighbours}
    return Response(body, headers={"Link": links} if links else None)


def paginate_merged_response(
    request: Request,
    sources: Sequence[QuerySet[Any]],
    query: dict[str, Any],
    serializer: type[serializers.Serializer],
    build_row: Callable[[Any], Any],
) -> Response:
    """Return one page of several models' rows, merged in the order of their public ids.

    This is their order of time. `build_row` converts a row for the serializer.
    """
    limit, backwards = query["limit"], "before" in query and "after" not in query
    rows = [
        row
        for source in sources
        for row in _filter_by_public_id(source, query, backwards)[: limit + 1]
    ]
    rows.sort(key=lambda row: row.public_id, reverse=not backwards)
    return _build_page(
        request, [build_row(row) for row in rows], query, backwards=backwards, serializer=serializer
    )


def _filter_by_public_id(
    rows: QuerySet[Any], query: dict[str, Any], backwards: bool
) -> QuerySet[Any]:
    if backwards:
        return rows.filter(public_id__gt=query["before"]).order_by("public_id")
    after = {"public_id__lt": query["after"]} if "after" in query else {}
    return rows.filter(**after).order_by("-public_id")


def _filter_after_cursor(
    rows: QuerySet[Any], query: dict[str, Any], backwards: bool
) -> QuerySet[Any]:
    """Return the rows after the cursor; none if the cursor's row was pruned.

    Rows are pruned oldest first, so the older rows are gone, too.
    """
    if backwards:
        return rows.filter(pk__gt=_find_row_id(rows, query["before"]))
    return rows.filter(pk__lt=_find_row_id(rows, query["after"])) if "after" in query else rows


def _find_row_id(rows: QuerySet[Any], public_id: UUID) -> QuerySet[Any]:
    with_id: QuerySet[Any] = rows.model._base_manager.filter(public_id=public_id)
    return with_id.values("pk")[:1]


def neighbour_url(request: Request, name: str, instance: PublicRow) -> str:
    filters = {
        key: value for key, value in request.query_params.items() if key not in ("after", "before")
    }
    cursor = signing.dumps(str(instance.public_id), salt=SALT)
    return f"{settings.HUB_PUBLIC_URL}{request.path}?{urlencode(filters | {name: cursor})}"
