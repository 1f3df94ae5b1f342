"""Serializers of operations: the request, the plan and the progress."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from connectors.registry import CONNECTORS
from hub.db.clock import clock
from hub.operations.models import Operation
from hub.outgoing.models import EVENT_TYPE, Delivery
from hub.outgoing.operations.planning import OPERATION_KINDS, SELECTED_LIMIT
from hub.problems import StrictSerializer
from hub.rest.fields import TextField, TimestampField, object_page_url, object_url


class FilterSerializer(StrictSerializer):
    """Filter of an operation: it selects the deliveries that match every given condition."""

    state = serializers.ChoiceField(Delivery.State.choices, required=False)
    reason = TextField(max_length=40, required=False)
    connector = serializers.ChoiceField([(key, key) for key in CONNECTORS], required=False)
    connection = serializers.UUIDField(required=False)
    route = serializers.UUIDField(required=False)
    event_type = TextField(max_length=120, validators=[EVENT_TYPE], required=False)
    since = TimestampField(required=False, help_text="Accepted then or later.")
    until = TimestampField(required=False, help_text="Accepted before.")
    stopped_since = TimestampField(
        required=False, help_text="Has its state since then, or a shorter time."
    )
    deliveries = serializers.ListField(
        child=serializers.UUIDField(),
        min_length=1,
        max_length=SELECTED_LIMIT,
        required=False,
        help_text="By their ids.",
    )

    def validate(self, data: Mapping[str, Any]) -> dict[str, Any]:
        if not data:
            raise serializers.ValidationError(
                "Say which deliveries: an empty filter would mean all there are."
            )
        return _serialize_filter(data)


def _serialize_filter(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the filter as JSON stores it."""
    return {
        name: [str(id) for id in value] if name == "deliveries" else _serialize_filter_value(value)
        for name, value in data.items()
    }


def _serialize_filter_value(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


class PlanSerializer(StrictSerializer):
    kind = serializers.ChoiceField(list(OPERATION_KINDS.items()))
    filter = FilterSerializer()
    reason = serializers.CharField(max_length=300, help_text="Why; it is kept in the audit.")
    tenant = TextField(
        max_length=100,
        required=False,
        help_text="Its reference. A platform key that names none means all tenants.",
    )


class PlannedConnectionSerializer(serializers.Serializer):
    id = serializers.UUIDField(allow_null=True, help_text="null: not connected.")
    name = serializers.CharField()
    connector = serializers.CharField()
    tenant = serializers.CharField(allow_null=True)
    held = serializers.CharField(help_text="Why nothing is sent there at present; empty: it is.")
    rows = serializers.IntegerField()


class SampleSerializer(serializers.Serializer):
    id = serializers.UUIDField()
    event_type = serializers.CharField()
    tenant = serializers.CharField()
    state = serializers.CharField()
    reason = serializers.CharField()


class FactsSerializer(serializers.Serializer):
    """The facts of a plan, which a confirmation refers to."""

    oldest = serializers.DateTimeField(allow_null=True, help_text="When the oldest was accepted.")
    tenants = serializers.IntegerField(help_text="How many tenants it touches.")
    connections = PlannedConnectionSerializer(many=True, help_text="The ten with the most rows.")
    other_connections = serializers.IntegerField()
    seconds = serializers.IntegerField(
        help_text="How long sending takes at most, as the quotas have it."
    )
    possibly_delivered = serializers.IntegerField(help_text="Rows that may have arrived before.")
    doubles = serializers.IntegerField(
        help_text="Rows that may be seen twice: their system does not know ids."
    )
    sample = SampleSerializer(many=True, help_text="The oldest five.")


class OperationSerializer(serializers.Serializer):
    """An operation on many deliveries: planned, confirmed, running or ended."""

    id = serializers.UUIDField(source="public_id")
    url = serializers.SerializerMethodField()
    page_url = serializers.SerializerMethodField(help_text="The page for people who are signed in.")
    kind = serializers.CharField()
    tenant = serializers.CharField(
        source="tenant.reference", default=None, allow_null=True, help_text="null: all."
    )
    filter = serializers.JSONField()
    reason = serializers.CharField()
    state = serializers.ChoiceField(Operation.State.choices)
    detail = serializers.CharField(help_text="Why it failed.")
    count = serializers.IntegerField(help_text="Rows, as planned; never more are touched.")
    more = serializers.BooleanField(
        help_text="There were more than were counted; all of them are meant."
    )
    processed_count = serializers.IntegerField()
    excluded_count = serializers.IntegerField(help_text="Looked at, and not possible any more.")
    seconds_left = serializers.SerializerMethodField(
        help_text="By its pace so far; null: not known."
    )
    plan = FactsSerializer(source="facts")
    planned_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)

    def get_url(self, operation: Operation) -> str:
        return object_url("operation", operation)

    def get_page_url(self, operation: Operation) -> str:
        return object_page_url("operations", operation)

    @extend_schema_field(serializers.IntegerField(allow_null=True))
    def get_seconds_left(self, operation: Operation) -> int | None:
        return operation.seconds_left(now=clock())
