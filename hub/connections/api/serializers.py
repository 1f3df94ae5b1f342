"""Serializers of connections and connectors. Nothing that is sealed has a field here."""

from datetime import datetime, timedelta
from typing import Any

from django.utils.functional import cached_property
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from connectors.base import Connector
from connectors.registry import CONNECTORS
from hub.connections.models import Connection, KillSwitch
from hub.connections.status.connector_permissions import list_requested_permissions
from hub.connections.status.effective_status import (
    SWITCHED_OFF,
    EffectiveStatus,
    determine_effective_status,
    find_stopping_switches,
)
from hub.problems import StrictSerializer
from hub.rest.fields import ObjectField, TextField, TimestampField, object_page_url, object_url

NAME_MAX, IN_FLIGHT_MAX = 200, 200
PAUSE_MAX = timedelta(days=366)
ENVIRONMENT_KINDS = ["production", "sandbox"]  # of accounts, where a system has several
CONNECTOR_CHOICES = [(key, key) for key in CONNECTORS]
FORM_CONNECTOR_CHOICES = [
    (key, key) for key, code in CONNECTORS.items() if not code.needs_oauth and not code.platform
]

# --- requests ---


class FilledSerializer(StrictSerializer):
    """Settings and secrets of a connector, by the keys that GET /connectors lists."""

    settings = ObjectField(required=False)
    secrets = ObjectField(required=False, help_text="Sealed, and never shown again.")


class ConnectSerializer(FilledSerializer):
    tenant = TextField(
        max_length=100, required=False, help_text="Its reference. A platform key must name one."
    )
    connector = serializers.ChoiceField(
        FORM_CONNECTOR_CHOICES, help_text="One whose `needs_oauth` is false."
    )
    name = serializers.CharField(
        max_length=NAME_MAX, required=False, help_text="Left out: the system's own."
    )


class ChangeSerializer(FilledSerializer):
    """Changes of a connection: omitted fields stay; a secret that is null is deleted."""

    name = serializers.CharField(max_length=NAME_MAX, required=False)
    in_flight = serializers.IntegerField(
        min_value=1,
        max_value=IN_FLIGHT_MAX,
        required=False,
        help_text="Calls at the same time, at most.",
    )


class PauseSerializer(StrictSerializer):
    reason = serializers.CharField(
        max_length=300, help_text="It is shown beside what stops, and kept in the audit."
    )
    until = TimestampField(
        required=False,
        allow_null=True,
        default=None,
        max_ahead=PAUSE_MAX,
        help_text="Left out: until it is resumed.",
    )

    def validate_until(self, until: datetime | None) -> datetime | None:
        if until and until <= self.context["now"]:
            raise serializers.ValidationError("Must be later than now.")
        return until


class DisableSerializer(StrictSerializer):
    reason = serializers.CharField(
        max_length=300, help_text="It is shown on the connection's page, and kept in the audit log."
    )


class DisconnectSerializer(StrictSerializer):
    what_waits = serializers.ChoiceField(
        ["hold", "cancel"],
        default="hold",
        help_text="hold: for when the same account is connected again.",
    )
    reason = serializers.CharField(max_length=300, required=False, default="", allow_blank=True)


# --- responses ---


class AccountSerializer(serializers.Serializer):
    id = serializers.CharField(source="account", help_text="Theirs; empty: the system names none.")
    name = serializers.CharField(source="account_name")


class ConnectionSerializer(serializers.Serializer):
    """One tenant's account at one external system."""

    id = serializers.UUIDField(source="public_id")
    url = serializers.SerializerMethodField()
    page_url = serializers.SerializerMethodField(help_text="The page for people who are signed in.")
    tenant = serializers.CharField(
        source="tenant.reference",
        default=None,
        allow_null=True,
        help_text="null: the platform's own.",
    )
    connector = serializers.CharField(source="connector_key")
    name = serializers.CharField()
    account = AccountSerializer(source="*")
    state = serializers.ChoiceField(Connection.State.choices)
    reason = serializers.SerializerMethodField(
        help_text="A stable code, or the other system's own; empty: none."
    )
    sentence = serializers.SerializerMethodField(help_text="The state or reason in words.")
    action = serializers.SerializerMethodField(
        help_text="What a person does about it; empty: nothing."
    )
    detail = serializers.SerializerMethodField(
        help_text="Details of the reason: the other system's own text, or what a person typed."
    )
    state_changed_at = serializers.DateTimeField(help_text="Since when it has this state.")
    until = serializers.SerializerMethodField(
        help_text="When what stops it ends by itself; null: not known."
    )
    created_at = serializers.DateTimeField()
    checked_at = serializers.DateTimeField(allow_null=True, help_text="When it was tested last.")

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
    key = serializers.CharField(source="permission.key", help_text="The system's own word for it.")
    purpose = serializers.CharField(source="permission.purpose")
    optional = serializers.BooleanField(source="permission.optional")
    granted = serializers.BooleanField(allow_null=True, help_text="null: the system does not say.")


class WaitingSerializer(serializers.Serializer):
    """The deliveries that wait to be sent."""

    count = serializers.IntegerField()
    more = serializers.BooleanField(help_text="There is more than was counted.")
    oldest = serializers.DateTimeField(allow_null=True, help_text="When the oldest was accepted.")
    seconds = serializers.IntegerField(
        help_text="How long sending takes at most, from when it may go."
    )


class TokenSerializer(serializers.Serializer):
    """The lifetime of the access token; the token itself is never shown."""

    given_at = serializers.DateTimeField(
        help_text="When it came: by the authorization, or by the last refresh."
    )
    expires_at = serializers.DateTimeField(
        allow_null=True, help_text="null: the system does not say."
    )
    refresh_due_at = serializers.DateTimeField(
        allow_null=True, help_text="When another is asked for; null: never."
    )
    refresh_failures = serializers.IntegerField(help_text="Refreshes in a row that failed.")


class SwitchOverSerializer(serializers.Serializer):
    """A kill switch of a wider scope that stops the connection."""

    scope = serializers.CharField(help_text="platform, tenant or connector.")
    activated_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)


class QuotaSerializer(serializers.Serializer):
    kind = serializers.CharField()
    name = serializers.CharField()
    label = serializers.CharField(  # type: ignore[assignment]
        help_text="The allowed number of calls, as text."
    )
    used = serializers.IntegerField()
    limit = serializers.IntegerField(allow_null=True)
    free_at = serializers.DateTimeField(
        allow_null=True, help_text="When the next call may go; null: now."
    )
    paused_until = serializers.DateTimeField(
        allow_null=True, help_text="The other system asked us to wait."
    )


class LinksSerializer(serializers.Serializer):
    page = serializers.URLField(
        allow_null=True, help_text="Its page for people; null: it has none."
    )
    deliveries = serializers.URLField(help_text="What was and will be sent over it.")


class ReadConnectionSerializer(ConnectionSerializer):
    settings = serializers.DictField(help_text="What was filled in and is no secret.")
    in_flight = serializers.IntegerField(
        source="lane.in_flight", help_text="Calls at the same time, at most."
    )
    permissions = PermissionSerializer(
        many=True, source="held_permissions", help_text="What is asked for."
    )
    missing_permissions = serializers.ListField(
        child=serializers.CharField(), help_text="Needed, and not granted."
    )
    waiting = WaitingSerializer(source="backlog")
    token = TokenSerializer(
        allow_null=True, help_text="null: there is none that ends or is refreshed."
    )
    grant_expires_at = serializers.DateTimeField(
        source="credential.grant_expires_at",
        default=None,
        allow_null=True,
        help_text="The authorization, where that is known.",
    )
    switches = SwitchOverSerializer(many=True)
    quotas = QuotaSerializer(many=True, help_text="Those that its calls have spent.")
    links = LinksSerializer()


class ConnectedSerializer(ConnectionSerializer):
    signing_secret = serializers.CharField(
        allow_null=True,
        help_text="The secret that the hub generated: it is in this answer, and in no other.",
    )


class RotatedSecretSerializer(serializers.Serializer):
    """A new signing secret."""

    signing_secret = serializers.CharField(help_text="Shown in this answer, and in no other.")
    overlap_until = serializers.DateTimeField(
        help_text="Until then requests carry a signature by the old secret too."
    )
    connection = ConnectionSerializer()


class StepSerializer(serializers.Serializer):
    label = serializers.CharField()  # type: ignore[assignment]
    state = serializers.ChoiceField(["passed", "failed", "open"], help_text="open: not looked at.")
    detail = serializers.CharField()


class TestSerializer(serializers.Serializer):
    """The result of a test, and the connection after it."""

    passed = serializers.BooleanField()
    reason = serializers.CharField(help_text="A code; empty: it passed.")
    steps = StepSerializer(many=True)
    connection = ConnectionSerializer()


class DisconnectedSerializer(serializers.Serializer):
    cancelling = serializers.IntegerField(
        help_text="Waiting deliveries that are being cancelled; the others are held."
    )
    detail = serializers.CharField(
        help_text="Why they were not cancelled although that was asked; empty: they are."
    )
    connection = ConnectionSerializer()


# --- connectors ---


class RequestedPermissionSerializer(serializers.Serializer):
    key = serializers.CharField(help_text="The system's own word for it.")
    purpose = serializers.CharField(help_text="What we do with it.")
    optional = serializers.BooleanField(help_text="A person may leave it out.")


class FieldSerializer(serializers.Serializer):
    key = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    help = serializers.CharField()  # type: ignore[assignment]
    secret = serializers.BooleanField(
        help_text="true: it belongs in `secrets`; false: in `settings`."
    )
    required = serializers.BooleanField()  # type: ignore[assignment]
    kind = serializers.ChoiceField(["text", "url", "json", "flag", "choice", "number"])


class MoveSerializer(serializers.Serializer):
    direction = serializers.ChoiceField(["out", "in"], help_text="out: from us into that system.")
    description = serializers.CharField()


class EnvironmentSerializer(serializers.Serializer):
    key = serializers.ChoiceField(ENVIRONMENT_KINDS)
    label = serializers.CharField()  # type: ignore[assignment]
    help = serializers.CharField(  # type: ignore[assignment]
        help_text="How a person recognizes an account of this kind."
    )


class LoginHostSerializer(serializers.Serializer):
    label = serializers.CharField()  # type: ignore[assignment]
    help = serializers.CharField(  # type: ignore[assignment]
        help_text="Where a person finds their login host."
    )
    example = serializers.CharField()


class ConnectorSerializer(serializers.Serializer):
    """A system that a tenant can connect."""

    key = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    summary = serializers.CharField()
    categories = serializers.ListField(child=serializers.CharField())
    needs_oauth = serializers.BooleanField(
        help_text="A person lets us in there; else see `fill_in`."
    )
    set_up = serializers.SerializerMethodField(
        help_text="false: staff have not registered the hub there yet."
    )
    requested_permissions = serializers.SerializerMethodField(
        help_text="The permissions that we ask for, and what for."
    )
    moves = MoveSerializer(many=True, help_text="Which data moves, and which way.")
    approval = serializers.CharField(
        help_text="Who else must approve; empty: only the person who connects."
    )
    plan = serializers.CharField(
        help_text="What the account there must have been paid for; empty: nothing."
    )
    environments = EnvironmentSerializer(
        many=True, help_text="Which kinds of account a person chooses between."
    )
    login_host = LoginHostSerializer(
        allow_null=True, help_text="Login hosts of customers; null: there are none."
    )
    fill_in = serializers.SerializerMethodField(
        help_text="What POST /connections takes; empty: it needs a person."
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
