"""Serializers of connections. Nothing that is sealed has a field here."""

from django.utils.functional import cached_property
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from hub.connections.models import Connection, KillSwitch
from hub.connections.status.effective_status import (
    SWITCHED_OFF,
    EffectiveStatus,
    determine_effective_status,
    find_stopping_switches,
)
from hub.rest.fields import object_page_url, object_url


class AccountSerializer(serializers.Serializer):
    id = serializers.CharField(
        source="account",
        help_text="The account's ID in the system; empty: the system provides none.",
    )
    name = serializers.CharField(source="account_name")


class ConnectionSerializer(serializers.Serializer):
    """One tenant's account at one external system."""

    id = serializers.UUIDField(source="public_id")
    url = serializers.SerializerMethodField()
    page_url = serializers.SerializerMethodField(help_text="URL of the page for signed-in people.")
    tenant = serializers.CharField(
        source="tenant.reference",
        default=None,
        allow_null=True,
        help_text="null: a platform connection.",
    )
    connector = serializers.CharField(source="connector_key")
    name = serializers.CharField()
    account = AccountSerializer(source="*")
    state = serializers.ChoiceField(Connection.State.choices)
    reason = serializers.SerializerMethodField(
        help_text="A stable code, or the other system's own code; empty: none."
    )
    sentence = serializers.SerializerMethodField(help_text="Explanation of the state or reason.")
    action = serializers.SerializerMethodField(
        help_text="What a person can do about it; empty: nothing."
    )
    detail = serializers.SerializerMethodField(
        help_text=(
            "Details of the reason: the other system's own text, or the text that a person entered."
        )
    )
    state_changed_at = serializers.DateTimeField(help_text="Start of this state.")
    until = serializers.SerializerMethodField(
        help_text="When the state ends automatically; null: not known."
    )
    created_at = serializers.DateTimeField()
    checked_at = serializers.DateTimeField(allow_null=True, help_text="Time of the last test.")

    def get_url(self, connection: Connection) -> str:
        return object_url("connection", connection)

    def get_page_url(self, connection: Connection) -> str:
        return object_page_url("connections", connection)

    def get_reason(self, connection: Connection) -> str:
        return self.effective_status(connection).reason

    def get_sentence(self, connection: Connection) -> str:
        return str(self.effective_status(connection).sentence)

    def get_action(self, connection: Connection) -> str:
        return str(self.effective_status(connection).action)

    def get_detail(self, connection: Connection) -> str:
        if self.effective_status(connection).reason != SWITCHED_OFF:
            return connection.detail
        is_list = isinstance(self.parent, serializers.ListSerializer)
        switches = self.page_switches if is_list else find_stopping_switches([connection])
        return switches[connection.pk].reason if connection.pk in switches else ""

    @cached_property
    def page_switches(self) -> dict[int, KillSwitch]:
        """Find the kill switches of all connections of a page, in one query."""
        return find_stopping_switches(self.parent.instance or ())

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_until(self, connection: Connection) -> str | None:
        until = self.effective_status(connection).until
        return serializers.DateTimeField().to_representation(until) if until else None

    def effective_status(self, connection: Connection) -> EffectiveStatus:
        return determine_effective_status(connection, window=getattr(connection, "window", None))


class PermissionSerializer(serializers.Serializer):
    key = serializers.CharField(source="permission.key", help_text="The system's own name.")
    purpose = serializers.CharField(source="permission.purpose")
    optional = serializers.BooleanField(source="permission.optional")
    granted = serializers.BooleanField(
        allow_null=True, help_text="null: the system does not provide it."
    )


class WaitingSerializer(serializers.Serializer):
    """The deliveries that wait to be sent."""

    count = serializers.IntegerField()
    more = serializers.BooleanField(help_text="true: there are more than were counted.")
    oldest = serializers.DateTimeField(
        allow_null=True, help_text="When the oldest one was accepted."
    )
    seconds = serializers.IntegerField(
        help_text="Maximum duration of sending, from when sending is possible."
    )


class TokenSerializer(serializers.Serializer):
    """The lifetime of the access token; the token itself is never shown."""

    given_at = serializers.DateTimeField(
        help_text="When it was issued: at the authorization or at the last refresh."
    )
    expires_at = serializers.DateTimeField(
        allow_null=True, help_text="null: the system does not provide it."
    )
    refresh_due_at = serializers.DateTimeField(
        allow_null=True, help_text="When it is refreshed; null: never."
    )
    refresh_failures = serializers.IntegerField(help_text="Number of consecutive failed refreshes.")


class SwitchOverSerializer(serializers.Serializer):
    """A kill switch of a wider level (platform, tenant, connector) that stops the connection."""

    scope = serializers.CharField(help_text="platform, tenant or connector.")
    activated_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)


class QuotaSerializer(serializers.Serializer):
    kind = serializers.CharField()
    name = serializers.CharField()
    label = serializers.CharField(  # type: ignore[assignment]  # a field has its own `label`
        help_text="The allowed number of calls, as text."
    )
    used = serializers.IntegerField()
    limit = serializers.IntegerField(allow_null=True)
    free_at = serializers.DateTimeField(
        allow_null=True, help_text="When the next call is possible; null: now."
    )
    paused_until = serializers.DateTimeField(
        allow_null=True,
        help_text="Until when the other system asked the hub to wait; null: it did not.",
    )


class LinksSerializer(serializers.Serializer):
    page = serializers.URLField(allow_null=True, help_text="URL of its page; null: none.")
    deliveries = serializers.URLField(help_text="Deliveries over this connection.")


class ReadConnectionSerializer(ConnectionSerializer):
    settings = serializers.DictField(help_text="The settings that are not secret.")
    in_flight = serializers.IntegerField(
        source="lane.in_flight", help_text="A limit: the maximum number of concurrent calls."
    )
    permissions = PermissionSerializer(
        many=True, source="held_permissions", help_text="The requested permissions."
    )
    missing_permissions = serializers.ListField(
        child=serializers.CharField(), help_text="Required, but not granted."
    )
    waiting = WaitingSerializer(source="backlog")
    token = TokenSerializer(
        allow_null=True, help_text="null: no token that expires or is refreshed."
    )
    grant_expires_at = serializers.DateTimeField(
        source="credential.grant_expires_at",
        default=None,
        allow_null=True,
        help_text="Expiry of the authorization, if known.",
    )
    switches = SwitchOverSerializer(many=True)
    quotas = QuotaSerializer(many=True, help_text="The quotas that its calls use.")
    links = LinksSerializer()


class ConnectedSerializer(ConnectionSerializer):
    signing_secret = serializers.CharField(
        allow_null=True,
        help_text="The secret that the hub generated. Only included in this response.",
    )


class RotatedSecretSerializer(serializers.Serializer):
    """A new signing secret."""

    signing_secret = serializers.CharField(help_text="Only included in this response.")
    overlap_until = serializers.DateTimeField(
        help_text="Until this time, requests also carry a signature with the old secret."
    )
    connection = ConnectionSerializer()


class StepSerializer(serializers.Serializer):
    label = serializers.CharField()  # type: ignore[assignment]  # a field has its own `label`
    state = serializers.ChoiceField(["passed", "failed", "open"], help_text="open: not checked.")
    detail = serializers.CharField()


class TestSerializer(serializers.Serializer):
    """The result of a test, and the connection after it."""

    passed = serializers.BooleanField()
    reason = serializers.CharField(help_text="Error code; empty: passed.")
    steps = StepSerializer(many=True)
    connection = ConnectionSerializer()


class DisconnectedSerializer(serializers.Serializer):
    cancelling = serializers.IntegerField(
        help_text="Number of waiting deliveries that are being cancelled. The others are held."
    )
    detail = serializers.CharField(
        help_text="Why the requested cancellation was not possible; empty: it was possible."
    )
    revoke_at = serializers.DateTimeField(
        allow_null=True,
        help_text="Until when the disconnect can be undone; null: it is revoked already.",
    )
    connection = ConnectionSerializer()
