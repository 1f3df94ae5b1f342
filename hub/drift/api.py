"""REST API: the findings of schema drift, and a check on demand."""

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from hub.connections.api.queries import find_visible_connection
from hub.connections.models import Connection
from hub.drift.descriptions import (
    PLACE_LABELS,
    describe_break_in_english,
    describe_change_in_english,
)
from hub.drift.drift_actions import SCHEMA_ACTIONS, SchemaCheck
from hub.drift.models import DriftFinding
from hub.rest.actions import ActionAnswer, ActionResource, build_action_urls
from hub.rest.fields import object_url
from hub.rest.pagination import PageQuery
from hub.rest.views import build_detail, build_list
from tenants.access.api_authentication import in_tenant
from tenants.scoping import accessible_tenants, readable_condition

READ = "connections:read"
FINDINGS_SHOWN = 200  # of one connection, after a check


class ReadEventFieldSerializer(serializers.Serializer):
    """A field of an event that a route reads."""

    path = serializers.CharField(help_text="Such as data.record.Title.")
    places = serializers.ListField(
        child=serializers.ChoiceField(list(PLACE_LABELS)), help_text="Where the route reads it."
    )


class BreakSerializer(serializers.Serializer):
    """A route or job that will fail."""

    kind = serializers.ChoiceField(["route", "job"])
    id = serializers.UUIDField()
    name = serializers.CharField()
    is_enabled = serializers.BooleanField()
    mapping_id = serializers.UUIDField(
        default=None, allow_null=True, help_text="Of a route; null: it is a job."
    )
    mapping_name = serializers.CharField(default="")
    job_kind = serializers.CharField(default="", help_text="Of a job, such as reconcile.")
    is_source = serializers.BooleanField(
        default=False, help_text="true: a route of events that the system sends."
    )
    reads = ReadEventFieldSerializer(
        many=True, default=list, help_text="What the route reads of these events."
    )
    use = serializers.CharField(help_text="What a route does, such as: writes to Salesforce.")


class DriftFindingSerializer(serializers.Serializer):
    """A change of a field, or of a whole object, that will break routes or jobs."""

    id = serializers.UUIDField(source="public_id")
    url = serializers.SerializerMethodField()
    tenant = serializers.CharField(source="connection.tenant.reference")
    connector = serializers.CharField(source="connection.connector_key")
    connection = serializers.UUIDField(source="connection.public_id")
    object = serializers.CharField(source="object_key")
    object_label = serializers.CharField()
    field = serializers.CharField(
        source="field_key", help_text="Empty: the change is one of the whole object."
    )
    field_label = serializers.CharField()
    change = serializers.ChoiceField(DriftFinding.Change.choices)
    sentence = serializers.SerializerMethodField(help_text="What has changed.")
    before = serializers.CharField(
        help_text="The key, type or value before the change; may be empty."
    )
    after = serializers.CharField(help_text="The key, type or label after it; may be empty.")
    breaks = serializers.SerializerMethodField(help_text="What will fail.")
    state = serializers.ChoiceField(["open", "resolved"])
    first_seen_at = serializers.DateTimeField()
    last_seen_at = serializers.DateTimeField()
    resolved_at = serializers.DateTimeField(allow_null=True)

    def get_url(self, finding: DriftFinding) -> str:
        return object_url("drift_finding", finding)

    def get_sentence(self, finding: DriftFinding) -> str:
        return describe_change_in_english(finding)

    @extend_schema_field(BreakSerializer(many=True))
    def get_breaks(self, finding: DriftFinding) -> list[dict[str, Any]]:
        system = finding.connection.connector.label
        entries = [
            {**entry, "use": describe_break_in_english(entry, system=system)}
            for entry in finding.breaks
        ]
        return list(BreakSerializer(entries, many=True).data)


class FailedObjectSerializer(serializers.Serializer):
    object = serializers.CharField()
    reason = serializers.CharField(help_text="Why it could not be read, a code.")
    detail = serializers.CharField()


class SchemaCheckSerializer(serializers.Serializer):
    """The objects that were compared, and the current findings of the connection."""

    compared = serializers.ListField(child=serializers.CharField())
    failed = FailedObjectSerializer(many=True)
    left = serializers.ListField(
        child=serializers.CharField(), help_text="Objects that are checked in the background."
    )
    findings = DriftFindingSerializer(many=True, help_text="The open findings of the connection.")


class DriftQuery(PageQuery):
    tenant = serializers.CharField(required=False)
    connection = serializers.UUIDField(required=False)
    change = serializers.ChoiceField(DriftFinding.Change.choices, required=False)
    state = serializers.ChoiceField(["open", "resolved"], required=False)


def readable_findings(request: Request) -> QuerySet[DriftFinding]:
    tenants = accessible_tenants(request.user)
    rows = DriftFinding.unscoped.filter(readable_condition(DriftFinding, tenants))
    return rows.select_related("connection__tenant")


def _find_finding(request: Request, id: UUID) -> DriftFinding:
    return get_object_or_404(readable_findings(request), public_id=id)


class DriftView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ}

    get = build_list(
        "drift_list",
        "List findings of schema drift",
        (
            "List the changes of schemas that will break routes or jobs, newest first.\n\n"
            "Resolved ones are included unless `state` is given."
        ),
        DriftFindingSerializer,
        page="DriftFindingPage",
        rows=in_tenant(readable_findings, "connection__tenant"),
        query=DriftQuery,
        filters={
            "connection": "connection__public_id",
            "change": "change",
            "state": lambda state: Q(resolved_at__isnull=state == "open"),
        },
    )


class DriftFindingView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ}

    get = build_detail(
        "drift_read",
        "Read a finding of schema drift",
        "Return a finding with the routes and jobs that it will break.",
        DriftFindingSerializer,
        _find_finding,
    )


def _serialize_check(check: SchemaCheck, connection: Connection) -> Mapping[str, Any]:
    findings = DriftFinding.unscoped.filter(connection=connection, resolved_at=None)
    failed = [
        {"object": object_key, "reason": outcome.reason, "detail": outcome.detail}
        for object_key, outcome in check.result.failures
    ]
    shown = {
        "compared": check.result.compared_objects,
        "failed": failed,
        "left": check.result.unread_objects,
        "findings": findings.select_related("connection__tenant").order_by("-pk")[:FINDINGS_SHOWN],
    }
    data: Mapping[str, Any] = SchemaCheckSerializer(shown).data
    return data


CHECK_URLS = build_action_urls(
    ActionResource(
        rows="schema",
        row="schema",
        path="connections/<uuid:id>/schema",
        find=find_visible_connection,
        find_changeable=find_visible_connection,
        serializer=SchemaCheckSerializer,
        serialize=lambda request, connection: {},
        answers={"check": ActionAnswer(SchemaCheckSerializer, _serialize_check)},
    ),
    SCHEMA_ACTIONS,
)
