"""Extensions of the OpenAPI schema: required bodies, and the rejection of unknown fields."""

from typing import Any

from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import PolymorphicProxySerializer


class OpenApiSchema(AutoSchema):
    """Mark a body as required also if it has one of several schemas, or is not JSON."""

    def _get_request_for_media_type(
        self, serializer: Any, direction: str = "request"
    ) -> tuple[Any, bool]:
        schema, required = super()._get_request_for_media_type(serializer, direction)
        return schema, required or isinstance(serializer, PolymorphicProxySerializer | dict)


class StrictSerializerExtension(OpenApiSerializerExtension):
    target_class = "hub.problems.StrictSerializer"
    match_subclasses = True

    def map_serializer(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        schema: dict[str, Any] = auto_schema._map_serializer(
            self.target, direction, bypass_extensions=True
        )
        return schema | {"additionalProperties": False} if direction == "request" else schema
