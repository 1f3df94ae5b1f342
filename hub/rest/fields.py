"""Serializer fields that validate strictly, and the URLs of an object."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from django.conf import settings
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

MIN_TIMESTAMP = datetime(2000, 1, 1, tzinfo=UTC)
MAX_TIMESTAMP = datetime(2200, 1, 1, tzinfo=UTC)  # a later one may have no form in a time zone


class PublicRow(Protocol):
    """A protocol: a row with a public id."""

    @property
    def public_id(self) -> UUID: ...


def object_url(name: str, instance: PublicRow) -> str:
    return f"{settings.HUB_PUBLIC_URL}{reverse(name, args=[instance.public_id])}"


def object_page_url(kind: str, instance: PublicRow) -> str:
    """Return the URL that redirects staff and customers to their own page of the object."""
    return f"{settings.HUB_PUBLIC_URL}/open/{kind}/{instance.public_id}"


@extend_schema_field(OpenApiTypes.OBJECT)
class ObjectField(serializers.Field):
    """A JSON object, returned as it was parsed; the strict parser has validated its contents."""

    default_error_messages = {"not_an_object": "Must be a JSON object."}

    def to_internal_value(self, data: Any) -> Mapping[str, Any]:
        if not isinstance(data, dict):
            self.fail("not_an_object")
        return data


class TimestampField(serializers.DateTimeField):
    """A time with its offset from UTC, not before 2000 and at most `max_ahead` in the future."""

    default_error_messages = {
        "naive": (
            "Must include a UTC offset, such as 2026-11-25T12:00:00Z or 2026-11-25T13:00:00+01:00."
        ),
        "too_early": "Must not be before the year 2000.",
        "too_late": "Must not be more than {days} × 24 hours ahead of the hub's clock.",
    }

    def __init__(self, *, max_ahead: timedelta = timedelta(days=1), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.max_ahead = max_ahead  # of our clock, as a sender's clock may be wrong

    def enforce_timezone(self, value: datetime) -> datetime:
        if value.utcoffset() is None:
            self.fail("naive")
        if value < MIN_TIMESTAMP:
            self.fail("too_early")
        if value > self.context["now"] + self.max_ahead:
            self.fail("too_late", days=self.max_ahead.days)
        return value.astimezone(UTC)


class TextField(serializers.CharField):
    """A string that is not trimmed: a space around an id is an error, not corrected."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, **kwargs)
