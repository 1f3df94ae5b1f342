"""Serializers of connectors, the systems that a tenant can connect."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from connectors.base import Connector
from connectors.registry import CONNECTORS
from hub.connections.status.connector_permissions import list_requested_permissions

ENVIRONMENT_KINDS = ["production", "sandbox"]  # of accounts, where a system has several
CONNECTOR_CHOICES = [(key, key) for key in CONNECTORS]


class RequestedPermissionSerializer(serializers.Serializer):
    key = serializers.CharField(help_text="The system's own name.")
    purpose = serializers.CharField(help_text="What the hub uses it for.")
    optional = serializers.BooleanField(help_text="true: a person can decline it.")


class FieldSerializer(serializers.Serializer):
    key = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # a field has its own `label`
    help = serializers.CharField()  # type: ignore[assignment]  # a field has its own `help`
    secret = serializers.BooleanField(
        help_text="true: it belongs in `secrets`; false: in `settings`."
    )
    required = serializers.BooleanField()  # type: ignore[assignment]  # DRF has its own
    kind = serializers.ChoiceField(["text", "url", "json", "flag", "choice", "number"])


class MoveSerializer(serializers.Serializer):
    direction = serializers.ChoiceField(["out", "in"], help_text="out: from the hub to the system.")
    description = serializers.CharField()


class EnvironmentSerializer(serializers.Serializer):
    key = serializers.ChoiceField(ENVIRONMENT_KINDS)
    label = serializers.CharField()  # type: ignore[assignment]  # a field has its own `label`
    help = serializers.CharField(  # type: ignore[assignment]  # a field has its own `help`
        help_text="How a person recognizes an account of this kind."
    )


class LoginHostSerializer(serializers.Serializer):
    label = serializers.CharField()  # type: ignore[assignment]  # a field has its own `label`
    help = serializers.CharField(  # type: ignore[assignment]  # a field has its own `help`
        help_text="Where people find their login host."
    )
    example = serializers.CharField()


class ConnectorSerializer(serializers.Serializer):
    """A system that a tenant can connect."""

    key = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # a field has its own `label`
    summary = serializers.CharField()
    categories = serializers.ListField(child=serializers.CharField())
    needs_oauth = serializers.BooleanField(
        help_text="true: a person authorizes the hub; false: see `fill_in`."
    )
    set_up = serializers.SerializerMethodField(
        help_text="false: the hub is not registered at the system yet."
    )
    requested_permissions = serializers.SerializerMethodField(
        help_text="The requested permissions and their purpose."
    )
    moves = MoveSerializer(
        many=True, source="data_flows", help_text="The shared data and its direction."
    )
    approval = serializers.CharField(
        help_text="Who else must approve; empty: only the person who connects."
    )
    plan = serializers.CharField(help_text="The plan that the account needs; empty: none.")
    environments = EnvironmentSerializer(
        many=True, help_text="The kinds of account to choose from."
    )
    login_host = LoginHostSerializer(
        allow_null=True, help_text="Login hosts of customers; null: none."
    )
    fill_in = serializers.SerializerMethodField(
        help_text="The fields for POST /connections; empty: a person must authorize it."
    )

    def get_set_up(self, connector: Connector) -> bool:
        return connector.key in self.context["ready"]

    @extend_schema_field(FieldSerializer(many=True))
    def get_fill_in(self, connector: Connector) -> Any:
        return FieldSerializer(() if connector.needs_oauth else connector.fields, many=True).data

    @extend_schema_field(RequestedPermissionSerializer(many=True))
    def get_requested_permissions(self, connector: Connector) -> Any:
        return RequestedPermissionSerializer(list_requested_permissions(connector), many=True).data


class ConnectorListSerializer(serializers.Serializer):
    items = ConnectorSerializer(many=True)
