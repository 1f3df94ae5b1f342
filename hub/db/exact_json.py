"""A JSON column whose numbers keep their digits."""

from collections.abc import Sequence
from typing import Any

from django.db import models

from connectors.http import ExactDecoder, ExactEncoder


class ExactJSONField(models.JSONField):
    """A JSON column for values of records: a Decimal is stored and read with its digits.

    The column is that of Django's own field, so migrations name this one.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{**options, "encoder": ExactEncoder, "decoder": ExactDecoder})

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        name, _path, args, options = super().deconstruct()
        del options["encoder"], options["decoder"]
        return name, "django.db.models.JSONField", args, options
