"""Serializers of field mappings, and of the input of dry runs."""

from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from hub.connections.api.catalogue_serializers import CONNECTOR_CHOICES
from hub.mappings.compiler_cache import check_body_compiles
from hub.mappings.models import FieldMapping
from hub.mappings.translate import MappingError
from hub.outgoing.models import EVENT_TYPE
from hub.problems import StrictSerializer
from hub.problems.strict_json import NUMBER_SHOWN_LENGTH, TOO_MANY_DIGITS_TEXT
from hub.rest.fields import ObjectField, TextField, object_url

NAME_LENGTH_MAX = 200


class MappingBodyField(ObjectField):
    """The body of a mapping, which must compile; an error contains its position."""

    def to_internal_value(self, data: Any) -> Any:
        body = super().to_internal_value(data)
        if (number := _find_decimal(body)) is not None:  # where values of events keep their digits
            raise serializers.ValidationError(
                TOO_MANY_DIGITS_TEXT % {"number": str(number)[:NUMBER_SHOWN_LENGTH]}
            )
        try:
            check_body_compiles(body)
        except MappingError as error:
            raise serializers.ValidationError(_nest_error(error)) from None
        return body


def _find_decimal(value: Any) -> Decimal | None:
    """Return a number that a float would round; None if there is none."""
    if isinstance(value, Decimal):
        return value
    children = value.values() if isinstance(value, dict) else value
    found = map(_find_decimal, children if isinstance(value, dict | list) else ())
    return next((number for number in found if number is not None), None)


def _nest_error(error: MappingError) -> Any:
    """Return the message below the keys of the error's JSON pointer."""
    detail: Any = [f"This expression {error.message}." if error.expression else error.message]
    for token in reversed(error.path.split("/")[1:]):
        detail = {token.replace("~1", "/").replace("~0", "~"): detail}
    return detail


class CreateMappingSerializer(StrictSerializer):
    name = serializers.CharField(max_length=NAME_LENGTH_MAX)
    tenant = TextField(
        max_length=100,
        allow_null=True,
        required=False,
        help_text=("The tenant's reference. Required with a platform key; null: for all tenants."),
    )
    connector = serializers.ChoiceField(CONNECTOR_CHOICES)
    action = TextField(max_length=40, help_text="An action of the connector: GET /connectors.")
    body = MappingBodyField(
        help_text="The fields of the action; each text is a JMESPath expression over the event."
    )


class ChangeMappingSerializer(StrictSerializer):
    """Changes of a field mapping: omitted fields stay; another body is a new version."""

    name = serializers.CharField(max_length=NAME_LENGTH_MAX, required=False)
    body = MappingBodyField(required=False)


class MappingRowSerializer(serializers.Serializer):
    id = serializers.UUIDField(source="public_id")
    url = serializers.SerializerMethodField()
    name = serializers.CharField()
    tenant = serializers.CharField(
        source="tenant.reference",
        default=None,
        allow_null=True,
        help_text="null: a mapping of the platform, for all tenants.",
    )
    connector = serializers.CharField(source="connector_key")
    action = serializers.CharField()
    version = serializers.IntegerField(help_text="The number of the newest version.")
    changed_at = serializers.DateTimeField(help_text="When the newest version was stored.")
    created_at = serializers.DateTimeField()

    @extend_schema_field(serializers.URLField())
    def get_url(self, mapping: FieldMapping) -> str:
        return object_url("mapping", mapping)


class MappingSerializer(MappingRowSerializer):
    """A field mapping with its newest version."""

    body = serializers.DictField()
    routes = serializers.IntegerField(
        source="route_count", help_text="The number of routes that use it and that the key sees."
    )


class VersionSerializer(serializers.Serializer):
    """A version of a field mapping; it never changes."""

    number = serializers.IntegerField()
    body = serializers.DictField(source="ordered_body")
    created_at = serializers.DateTimeField()


class RestoreVersionSerializer(StrictSerializer):
    version = serializers.IntegerField(
        min_value=1, max_value=2**31 - 1, help_text="The number of an older version."
    )


class VersionPageSerializer(serializers.Serializer):
    items = VersionSerializer(many=True)
    next = serializers.URLField(allow_null=True, help_text="URL of the next page (older).")


# --- dry runs -------------------------------------------------------------------------------------


class TrySerializer(StrictSerializer):
    """The input of a trial: a stored event, or data."""

    event = serializers.UUIDField(
        required=False, help_text="ID of an event; requires the scope events:read."
    )
    data = ObjectField(  # type: ignore[assignment]  # a serializer has its own `data`
        required=False, help_text="The data of an event, instead of a stored event."
    )
    type = TextField(
        max_length=120, validators=[EVENT_TYPE], required=False, help_text="Of the event in `data`."
    )
    tenant = TextField(
        max_length=100,
        required=False,
        help_text="With `data`, a platform key and what belongs to all tenants: whose event it is.",
    )
    body = MappingBodyField(required=False, help_text="A field mapping instead of the stored one.")

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if ("event" in data) == ("data" in data):
            raise serializers.ValidationError({"event": "Send either `event` or `data`."})
        return data
