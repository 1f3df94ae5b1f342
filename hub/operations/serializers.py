"""REST of operations: the filter and the tenant of a plan, the plan, and the progress."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from hub.db.clock import clock
from hub.operations.models import Operation
from hub.operations.operation_actions import serialize_filter
from hub.problems import StrictSerializer
from hub.rest.fields import object_page_url, object_url
from tenants.access.api_authentication import api_key_of, resolve_tenant
from tenants.models import Tenant


class PlanFilterSerializer(StrictSerializer):
    """Base of the filters of plans: it selects the rows that match every given condition."""

    rows: str  # the plural noun for the rows

    def validate(self, data: Mapping[str, Any]) -> dict[str, Any]:
        if not data:
            raise serializers.ValidationError(
                f"Set a filter. An empty filter would select all {self.rows}."
            )
        return serialize_filter(data)


def resolve_plan_tenant(request: Request, reference: str | None) -> Tenant | None:
    """Return the tenant of the operation; None (all tenants) for a platform key that names none."""
    if reference is None and api_key_of(request).tenant is None:
        return None
    return resolve_tenant(request, reference)


class PlannedConnectionSerializer(serializers.Serializer):
    id = serializers.UUIDField(allow_null=True, help_text="null: not connected.")
    name = serializers.CharField()
    connector = serializers.CharField()
    tenant = serializers.CharField(allow_null=True)
    held = serializers.CharField(
        help_text="Why nothing is currently sent there; empty: deliveries are sent."
    )
    rows = serializers.IntegerField()


class SampleSerializer(serializers.Serializer):
    id = serializers.UUIDField()
    event_type = serializers.CharField()
    tenant = serializers.CharField()
    state = serializers.CharField()
    reason = serializers.CharField()


class FactsSerializer(serializers.Serializer):
    """The facts of a plan, which a confirmation refers to."""

    oldest = serializers.DateTimeField(
        allow_null=True, help_text="When the oldest one was accepted."
    )
    tenants = serializers.IntegerField(help_text="Number of affected tenants.")
    connections = PlannedConnectionSerializer(many=True, help_text="The ten with the most rows.")
    other_connections = serializers.IntegerField()
    seconds = serializers.IntegerField(
        help_text="Maximum duration of sending under the current quotas."
    )
    possibly_delivered = serializers.IntegerField(
        help_text="Number of deliveries that may have arrived before."
    )
    doubles = serializers.IntegerField(
        help_text=(
            "Number of deliveries that may appear twice because their system does not support IDs."
        )
    )
    sample = SampleSerializer(many=True, help_text="The oldest five.")


class OperationSerializer(serializers.Serializer):
    """An operation on many deliveries: planned, confirmed, running or ended."""

    id = serializers.UUIDField(source="public_id")
    url = serializers.SerializerMethodField()
    page_url = serializers.SerializerMethodField(help_text="URL of the page for signed-in people.")
    kind = serializers.CharField()
    tenant = serializers.CharField(
        source="tenant.reference", default=None, allow_null=True, help_text="null: all."
    )
    filter = serializers.JSONField()
    reason = serializers.CharField()
    state = serializers.ChoiceField(Operation.State.choices)
    detail = serializers.CharField(help_text="Why it failed.")
    count = serializers.IntegerField(
        help_text="Planned number of deliveries; never more are changed."
    )
    more = serializers.BooleanField(
        help_text="true: there are more than were counted; the operation includes all of them."
    )
    processed_count = serializers.IntegerField()
    excluded_count = serializers.IntegerField(
        help_text="Skipped because the action is no longer possible."
    )
    seconds_left = serializers.SerializerMethodField(
        help_text="Estimated from the progress so far; null: not known."
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


def respond_with_plan(operation: Operation) -> Response:
    """Return the answer to a request that planned an operation."""
    headers = {"Location": object_url("operation", operation)}
    return Response(OperationSerializer(operation).data, status=201, headers=headers)
