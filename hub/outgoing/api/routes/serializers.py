"""Serializers of routes: what requests contain, and what is returned."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from connectors.registry import CONNECTORS
from hub.connections.api.catalogue_serializers import CONNECTOR_CHOICES
from hub.mappings.compiler_cache import compiled_filter
from hub.mappings.translate import MappingError
from hub.outgoing.api.routes.mapping_serializers import (
    MappingBodyField,
    TrySerializer,
)
from hub.outgoing.models import TYPE_PATTERN, Route
from hub.outgoing.serializers import NamedSerializer
from hub.problems import StrictSerializer
from hub.rest.fields import TextField, object_url

NAME_LENGTH_MAX, EXPRESSION_LENGTH_MAX = 200, 4000
# number, seconds, seconds
WAITS_MAX, WAIT_SECONDS_MAX, EXPIRY_SECONDS_MAX = 30, 7 * 86400, 365 * 86400
SOURCE_CONNECTORS = [
    (key, key) for key, connector in CONNECTORS.items() if connector.webhook_source is not None
]


class ExpressionField(serializers.CharField):
    """A JMESPath expression that compiles, as its text; "": none."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            max_length=EXPRESSION_LENGTH_MAX, allow_blank=True, required=False, **kwargs
        )

    def to_internal_value(self, data: Any) -> str:
        text: str = super().to_internal_value(data)
        try:
            if text:
                compiled_filter(text)
        except MappingError as error:
            raise serializers.ValidationError(f"The expression {error.message}.") from None
        return text


class RouteFieldsSerializer(StrictSerializer):
    """The properties of a route, without its tenant."""

    name = serializers.CharField(max_length=NAME_LENGTH_MAX)
    enabled = serializers.BooleanField(required=False, help_text="Omitted: true.")
    event_type = TextField(
        max_length=120, validators=[TYPE_PATTERN], help_text="Such as order.created, order.* or *."
    )
    origin_connector = serializers.ChoiceField(
        SOURCE_CONNECTORS,
        allow_blank=True,
        required=False,
        help_text="The system whose events match. Empty: events of our own application.",
    )
    origin = serializers.UUIDField(
        allow_null=True,
        required=False,
        help_text="ID of the connection whose events match. null: every one at that system.",
    )
    filter = ExpressionField(help_text="JMESPath over the event. Empty: all events of the type.")
    connector = serializers.ChoiceField(CONNECTOR_CHOICES)
    connection = serializers.UUIDField(
        allow_null=True,
        required=False,
        help_text="ID of a connection. null: all connections of the tenant at the connector.",
    )
    action = TextField(max_length=40, help_text="An action of the connector: GET /connectors.")
    mapping = serializers.UUIDField(
        required=False, help_text="ID of a field mapping. Omitted: a new one, of `body`."
    )
    body = MappingBodyField(
        required=False,
        help_text="The field mapping; a new version of `mapping` where that is named.",
    )
    retry_schedule = serializers.ListField(
        child=serializers.FloatField(min_value=1, max_value=WAIT_SECONDS_MAX),
        max_length=WAITS_MAX,
        required=False,
        help_text="Seconds between attempts. Empty: the default schedule over 75 hours.",
    )
    ordered = serializers.BooleanField(
        required=False, help_text="Send each delivery only after the previous one has arrived."
    )
    order_key = ExpressionField(
        help_text="JMESPath; events with the same key keep their order. Empty: all of them."
    )
    never_twice = serializers.BooleanField(
        required=False, help_text="Do not retry automatically what may have arrived."
    )
    expires_after = serializers.IntegerField(
        min_value=1,
        max_value=EXPIRY_SECONDS_MAX,
        allow_null=True,
        required=False,
        help_text="Seconds after which a delivery is not sent any more. null: no expiry.",
    )


class CreateRouteSerializer(RouteFieldsSerializer):
    tenant = TextField(
        max_length=100,
        allow_null=True,
        required=False,
        help_text=(
            "The tenant's reference. Required with a platform key; null: a route for all tenants."
        ),
    )


class ChangeRouteSerializer(RouteFieldsSerializer):
    """Changes of a route: omitted fields stay."""

    def get_fields(self) -> dict[str, serializers.Field]:
        fields: dict[str, serializers.Field] = super().get_fields()
        for field in fields.values():
            field.required = False
        return fields


class TryRouteSerializer(TrySerializer):
    """The input of a route's trial; `body` and `filter` are used instead of the stored ones."""

    filter = ExpressionField()


class RouteSerializer(serializers.Serializer):
    """A route: which events cause which action on which connection, with which field mapping."""

    id = serializers.UUIDField(source="public_id")
    url = serializers.SerializerMethodField()
    name = serializers.CharField()
    tenant = serializers.CharField(
        source="tenant.reference",
        default=None,
        allow_null=True,
        help_text="null: a route of the platform, for all tenants.",
    )
    enabled = serializers.BooleanField()
    event_type = serializers.CharField()
    origin_connector = serializers.CharField(
        source="origin_connector_key", help_text="Empty: events of our own application."
    )
    origin = NamedSerializer(
        allow_null=True, help_text="null: every connection at the system the events come from."
    )
    filter = serializers.CharField()
    connector = serializers.CharField(source="connector_key")
    connection = NamedSerializer(
        allow_null=True, help_text="null: all connections of the tenant at the connector."
    )
    action = serializers.CharField()
    mapping = NamedSerializer()
    retry_schedule = serializers.ListField(child=serializers.FloatField())
    ordered = serializers.BooleanField()
    order_key = serializers.CharField()
    never_twice = serializers.BooleanField()
    expires_after = serializers.IntegerField(allow_null=True)
    changed_at = serializers.DateTimeField()
    created_at = serializers.DateTimeField()

    @extend_schema_field(serializers.URLField())
    def get_url(self, route: Route) -> str:
        return object_url("route", route)
