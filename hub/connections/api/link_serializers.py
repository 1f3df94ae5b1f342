"""Serializers of connect links."""

from typing import Any

from rest_framework import serializers

from connectors.registry import CONNECTORS
from connectors.schema import LOGIN_HOST_MOST
from hub.connections.api.serializers import ENVIRONMENT_KINDS
from hub.connections.models import ConnectLink
from tenants.serializers import TenantQuery


class WantedConnectLinkSerializer(TenantQuery):
    connector = serializers.CharField(max_length=40, help_text="Its key, such as slack.")
    connection = serializers.UUIDField(
        required=False, help_text="The connection that is to be connected again."
    )

    environment = serializers.ChoiceField(
        ENVIRONMENT_KINDS,
        required=False,
        help_text="The kind of account; the person who connects it is not asked.",
    )

    login_host = serializers.CharField(
        max_length=LOGIN_HOST_MOST,
        required=False,
        allow_blank=True,
        help_text="Where its people sign in at a host of their own (Salesforce: My Domain). It "
        "implies `environment`.",
    )

    def validate_connector(self, value: str) -> Any:
        if value not in CONNECTORS or CONNECTORS[value].platform:
            raise serializers.ValidationError("There is no such connector.")
        return CONNECTORS[value]

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        kind, connector = data.get("environment"), data["connector"]
        if kind and connector.environment(kind) is None:
            raise serializers.ValidationError(
                {"environment": f"{connector.label} has no accounts of this kind."}
            )
        return data


class ConnectLinkSerializer(serializers.Serializer):
    """A link with which a person without an account connects one system."""

    id = serializers.UUIDField(source="public_id")
    tenant = serializers.CharField(source="tenant.reference")
    connector = serializers.CharField(source="connector_key")
    connection = serializers.UUIDField(
        source="connection.public_id",
        allow_null=True,
        default=None,
        help_text="To connect again, or what came of it.",
    )
    environment = serializers.CharField(
        help_text="The selected kind of account; empty: the person who connects chooses."
    )
    login_host = serializers.CharField(
        help_text="The selected login host; empty: the common one, or chosen later."
    )
    maker = serializers.CharField(help_text="Who asks, as the page says it.")
    state = serializers.SerializerMethodField(
        help_text="pending, opened, used, revoked or expired."
    )
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()

    def get_state(self, link: ConnectLink) -> str:
        return link.state(self.context["now"])


class MadeConnectLinkSerializer(ConnectLinkSerializer):
    url = serializers.SerializerMethodField(help_text="In this answer, and in no other.")

    def get_url(self, link: ConnectLink) -> str:
        return str(self.context["url"])
