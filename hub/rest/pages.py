"""Lists in pages: newest first, and stable while rows are added. A cursor names a row, signed and opaque."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.db.models import Model, QuerySet
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from hub.problems import StrictSerializer

LIMIT, LIMIT_MOST = 50, 200
SALT = "hub.rest.pages"


class CursorField(serializers.CharField):
    """In: what a page's `next` or `prev` carries. Out of it: the public id of the row that the page begins after."""

    default_error_messages = {"strange": "Is not a cursor of this API. Begin at the first page."}

    def to_internal_value(self, data: Any) -> UUID:
        try:
            return UUID(signing.loads(super().to_internal_value(data), salt=SALT))
        except (signing.BadSignature, ValueError):
            self.fail("strange")


class PageQuery(StrictSerializer):
    """What every list takes; an unknown parameter is an error, so that a mistyped filter does not list everything."""

    from_query = True

    limit = serializers.IntegerField(min_value=1, max_value=LIMIT_MOST, default=LIMIT)
    after = CursorField(required=False, help_text="From `next`: what follows, older.")
    before = CursorField(required=False, help_text="From `prev`: what comes before, newer.")


def asked(request: Request, query: type[PageQuery], **context: Any) -> dict[str, Any]:
    twice = [name for name, values in request.query_params.lists() if len(values) > 1]
    if twice:
        raise ValidationError(dict.fromkeys(twice, "Stands twice: which of them is meant?"), code="repeated")
    read = query(data=request.query_params.dict(), context=context)
    read.is_valid(raise_exception=True)
    return read.validated_data


def page(
    request: Request, rows: QuerySet[Any], query: dict[str, Any], serializer: type[serializers.Serializer]
) -> Response:
    """One page of `rows`, and the way to its neighbours: in the body, and as Link headers."""
    limit, backwards = query["limit"], "before" in query and "after" not in query
    found = list(beyond(rows, query, backwards).order_by("pk" if backwards else "-pk")[: limit + 1])
    more, found = len(found) > limit, found[:limit]
    if backwards:
        found.reverse()
    ways = {
        "next": way(request, "after", found[-1]) if found and (more or backwards) else None,
        "prev": way(request, "before", found[0]) if found and (more if backwards else "after" in query) else None,
    }
    links = ", ".join(f'<{url}>; rel="{name}"' for name, url in ways.items() if url)
    body = {"items": serializer(found, many=True).data, **ways}
    return Response(body, headers={"Link": links} if links else None)


def beyond(rows: QuerySet[Any], query: dict[str, Any], backwards: bool) -> QuerySet[Any]:
    """A row that was pruned meanwhile ends the list: what is older went before it."""
    if backwards:
        return rows.filter(pk__gt=row_of(rows, query["before"]))
    return rows.filter(pk__lt=row_of(rows, query["after"])) if "after" in query else rows


def row_of(rows: QuerySet[Any], public_id: UUID) -> QuerySet[Any]:
    return rows.model._base_manager.filter(public_id=public_id).values("pk")[:1]


def way(request: Request, name: str, row: Model) -> str:
    kept = {key: value for key, value in request.query_params.items() if key not in ("after", "before")}
    cursor = signing.dumps(str(row.public_id), salt=SALT)
    return f"{settings.HUB_PUBLIC_URL}{request.path}?{urlencode(kept | {name: cursor})}"
