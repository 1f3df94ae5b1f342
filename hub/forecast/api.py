"""REST API of the forecast: upcoming problems that require a person."""

from typing import ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hub.db.clock import clock
from hub.forecast.upcoming import KINDS, UpcomingNeed, list_upcoming_needs
from hub.problems import StrictSerializer
from hub.rest.fields import object_url
from hub.rest.openapi import describe_operation
from tenants.access.api_authentication import resolve_tenant


class UpcomingQuery(StrictSerializer):
    tenant = serializers.CharField(
        required=False, help_text="The tenant's reference. Required with a platform key."
    )


class UpcomingNeedSerializer(serializers.Serializer):
    """One upcoming problem that requires a person."""

    kind = serializers.ChoiceField([(kind, kind) for kind in KINDS])
    at = serializers.DateTimeField(allow_null=True, help_text="null: at any moment.")
    subject = serializers.CharField(help_text="What it is about, such as a connection's name.")
    sentence = serializers.CharField()
    connection = serializers.UUIDField(source="connection.public_id", default=None, allow_null=True)
    connection_url = serializers.SerializerMethodField()

    @extend_schema_field(serializers.URLField(allow_null=True))
    def get_connection_url(self, need: UpcomingNeed) -> str | None:
        return object_url("connection", need.connection) if need.connection else None


class UpcomingSerializer(serializers.Serializer):
    items = UpcomingNeedSerializer(many=True)


class UpcomingView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": "connections:read"}

    @describe_operation(
        "upcoming_list",
        "List what will need a person",
        {200: UpcomingSerializer},
        parameters=[UpcomingQuery],
    )
    def get(self, request: Request) -> Response:
        """List what will need the tenant's people soon, the first in time first: authorizations
        that end, disconnects that can be undone, secrets in overlap, failing webhooks, changed
        schemas, stopped lists of people, webhooks held for a former account, connections of former
        members, and API keys that expire.
        """
        query = UpcomingQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        tenant = resolve_tenant(request, query.validated_data.get("tenant"))
        needs = list_upcoming_needs(tenant, now=clock())
        return Response(UpcomingSerializer({"items": needs}).data)
