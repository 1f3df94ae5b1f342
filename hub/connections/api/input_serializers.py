"""Serializers of what requests about a connection contain."""

from datetime import datetime, timedelta

from rest_framework import serializers

from connectors.registry import CONNECTORS
from hub.problems import StrictSerializer
from hub.rest.fields import ObjectField, TextField, TimestampField

NAME_LENGTH_MAX, IN_FLIGHT_MAX = 200, 200
PAUSE_MAX = timedelta(days=366)
FORM_CONNECTOR_CHOICES = [
    (key, key)
    for key, code in CONNECTORS.items()
    if not code.needs_oauth and not code.is_for_platform
]


class FilledSerializer(StrictSerializer):
    """Settings and secrets of a connector; their keys are listed by GET /connectors."""

    settings = ObjectField(required=False)
    secrets = ObjectField(required=False, help_text="Stored encrypted and never returned.")


class ConnectSerializer(FilledSerializer):
    tenant = TextField(
        max_length=100,
        required=False,
        help_text="The tenant's reference. Required with a platform key.",
    )
    connector = serializers.ChoiceField(
        FORM_CONNECTOR_CHOICES, help_text="A connector whose `needs_oauth` is false."
    )
    name = serializers.CharField(
        max_length=NAME_LENGTH_MAX, required=False, help_text="Default: the connector's own."
    )


class ChangeSerializer(FilledSerializer):
    """Changes of a connection: omitted fields stay; a secret that is null is deleted."""

    name = serializers.CharField(max_length=NAME_LENGTH_MAX, required=False)
    in_flight = serializers.IntegerField(
        min_value=1,
        max_value=IN_FLIGHT_MAX,
        required=False,
        help_text="A limit: the maximum number of concurrent calls.",
    )


class PauseSerializer(StrictSerializer):
    reason = serializers.CharField(
        max_length=300, help_text="Shown with the affected deliveries and kept in the audit log."
    )
    until = TimestampField(
        required=False,
        allow_null=True,
        default=None,
        max_ahead=PAUSE_MAX,
        help_text="Omitted: until the connection is resumed.",
    )

    def validate_until(self, until: datetime | None) -> datetime | None:
        if until and until <= self.context["now"]:
            raise serializers.ValidationError("Must be later than now.")
        return until


class DisableSerializer(StrictSerializer):
    reason = serializers.CharField(
        max_length=300, help_text="Shown on the connection's page and kept in the audit log."
    )


class DisconnectSerializer(StrictSerializer):
    what_waits = serializers.ChoiceField(
        ["hold", "cancel"],
        default="hold",
        help_text="hold: deliveries are kept until the same account is connected again.",
    )
    revoke = serializers.ChoiceField(
        ["now", "later"],
        default="now",
        help_text=(
            "now: the authorization is revoked and deleted now. later: in 24 hours; until then "
            "`undo-disconnect` restores the connection. Nothing is sent meanwhile; webhooks are "
            "stored, and processed after an undo only."
        ),
    )
    reason = serializers.CharField(max_length=300, required=False, default="", allow_blank=True)
