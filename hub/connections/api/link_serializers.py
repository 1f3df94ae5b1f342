"""Serializers of connect links."""

from typing import Any

from rest_framework import serializers

from connectors.registry import CONNECTORS
from connectors.schema import LOGIN_HOST_LENGTH_MAX
from hub.connections.api.catalogue_serializers import ENVIRONMENT_KINDS
from hub.connections.models import ConnectLink
from tenants.serializers import TenantQuery


class WantedConnectLinkSerializer(TenantQuery):
    connector = serializers.CharField(
        max_length=40, help_text="Key of the connector, such as slack."
    )
    connection = serializers.UUIDField(required=False, help_text="The connection to reconnect.")

    environment = serializers.ChoiceField(
        ENVIRONMENT_KINDS,
        required=False,
        help_text="The kind of account. If set, the person who connects is not asked for it.",
    )

    login_host = serializers.CharField(
        max_length=LOGIN_HOST_LENGTH_MAX,
        required=False,
        allow_blank=True,
        help_text=(
            "The organisation's own login host (Salesforce: My Domain). It implies `environment`."
        ),
    )

    def validate_connector(self, value: str) -> Any:
        if value not in CONNECTORS or CONNECTORS[value].is_for_platform:
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
        help_text="The connection to reconnect, or the connection that was created.",
    )
    environment = serializers.CharField(
        help_text="The selected kind of account; empty: the person who connects chooses."
    )
    login_host = serializers.CharField(
        help_text=(
            "The selected login host; empty: the default host, or selected later by the person "
            "who connects."
        )
    )
    maker = serializers.CharField(help_text="The name of the requester that the page shows.")
    state = serializers.SerializerMethodField(
        help_text="pending, opened, used, revoked or expired."
    )
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()

    def get_state(self, link: ConnectLink) -> str:
        return link.state(self.context["now"])


class MadeConnectLinkSerializer(ConnectLinkSerializer):
    url = serializers.SerializerMethodField(help_text="Only included in this response.")

    def get_url(self, link: ConnectLink) -> str:
        return str(self.context["url"])
