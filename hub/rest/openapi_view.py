"""Serve the OpenAPI document as JSON: one for all clients, so each process builds it once."""

from functools import cache
from threading import Lock
from typing import Any

from django.http import HttpResponse
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularJSONAPIView
from rest_framework.request import Request

BUILD_LOCK = Lock()  # building takes a part of a second; concurrent requests wait for the first


class OpenApiView(SpectacularJSONAPIView):
    """Serve the OpenAPI document without authentication; the query is ignored.

    Otherwise a client could choose, by the query, expensive work or a response header.
    """

    authentication_classes = ()
    permission_classes = ()

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        with BUILD_LOCK:
            content = build_openapi_document()
        return HttpResponse(content, content_type=OpenApiJsonRenderer.media_type)


@cache
def build_openapi_document() -> bytes:
    content: bytes = OpenApiJsonRenderer().render(
        SchemaGenerator().get_schema(request=None, public=True)
    )
    return content
