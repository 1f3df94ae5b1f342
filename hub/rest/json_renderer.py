"""Render answers of the REST API: a decimal keeps its digits."""

import re
import secrets
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from rest_framework.renderers import JSONRenderer
from rest_framework.utils.encoders import JSONEncoder

# no value from outside contains it
MARK = secrets.token_hex(16)
MARKED_NUMBER = re.compile(rf'"{MARK}([^"]+)"'.encode())


class MarkingEncoder(JSONEncoder):
    """Encodes a decimal as marked text, as the encoder has no other way to keep its digits."""

    def default(self, obj: Any) -> Any:
        if isinstance(obj, Decimal) and obj.is_finite():
            return f"{MARK}{obj}"
        return super().default(obj)


class ExactJSONRenderer(JSONRenderer):
    encoder_class = MarkingEncoder

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        rendered: bytes = super().render(data, accepted_media_type, renderer_context)
        return MARKED_NUMBER.sub(rb"\1", rendered)
