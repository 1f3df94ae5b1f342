"""Serializers of sources, with their rhythms."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from hub.db.clock import clock
from hub.incoming.gaps import complete_until
from hub.incoming.insight.source_history import find_expected_gap_seconds
from hub.incoming.models import InboundSource, SourceRhythm
from hub.incoming.serializers.subscriptions import CanarySerializer
from hub.outgoing.serializers import NamedSerializer
from hub.problems import StrictSerializer
from hub.rest.fields import TimestampField, object_page_url, object_url
from hub.state_texts import SOURCE_STATES


class RhythmSerializer(serializers.Serializer):
    """How often events of one type usually arrive."""

    type = serializers.CharField()
    history = serializers.SerializerMethodField()
    expected_gap_seconds = serializers.SerializerMethodField(
        help_text="Usual time between two events at this hour; null: not known."
    )
    per_month = serializers.SerializerMethodField(help_text="Usual events; null: not known.")
    last_item_at = serializers.DateTimeField()
    fading = serializers.BooleanField(
        source="is_fading", help_text="Whether it had far fewer events in the last seven days."
    )

    @extend_schema_field(serializers.ChoiceField(["enough", "too_little"]))
    def get_history(self, rhythm: SourceRhythm) -> str:
        return "too_little" if rhythm.profile is None else "enough"

    @extend_schema_field(serializers.FloatField(allow_null=True))
    def get_expected_gap_seconds(self, rhythm: SourceRhythm) -> float | None:
        return find_expected_gap_seconds(rhythm.source, [rhythm], now=clock())

    @extend_schema_field(serializers.FloatField(allow_null=True))
    def get_per_month(self, rhythm: SourceRhythm) -> float | None:
        return None if rhythm.profile is None else rhythm.per_month


class SourceSerializer(serializers.Serializer):
    """A kind of record whose changes a connection reports, with the proofs that they arrive."""

    id = serializers.UUIDField(source="public_id")
    url = serializers.SerializerMethodField()
    page_url = serializers.SerializerMethodField(help_text="URL of the page for signed-in people.")
    tenant = serializers.CharField(source="tenant.reference")
    connector = serializers.CharField(source="connection.connector_key")
    connection = NamedSerializer()
    object = serializers.CharField(
        help_text="The first part of its types; empty: the sender chooses."
    )
    state = serializers.ChoiceField(InboundSource.State.choices)
    reason = serializers.CharField(help_text="A stable code; empty: none.")
    sentence = serializers.SerializerMethodField(help_text="Explanation of the state.")
    wanted = serializers.SerializerMethodField(help_text="Whether a route takes its events.")
    heard_at = serializers.DateTimeField(allow_null=True, help_text="When an item last arrived.")
    canary_heard_at = serializers.DateTimeField(
        allow_null=True, help_text="When a change that the hub caused last arrived."
    )
    listed_at = serializers.DateTimeField(
        allow_null=True, help_text="When a check last found it registered as it should be."
    )
    complete_until = serializers.SerializerMethodField(
        help_text="Nothing that changed before was missed; null: not known."
    )
    state_changed_at = serializers.DateTimeField()
    expected_gap_seconds = serializers.SerializerMethodField(
        help_text="Usual time between two events of all its types at this hour; null: not known."
    )
    rhythms = RhythmSerializer(many=True)
    canary = serializers.SerializerMethodField(help_text="null: there is none.")
    open_gaps = serializers.SerializerMethodField(help_text="Gaps that are not finished.")

    def get_url(self, source: InboundSource) -> str:
        return object_url("source", source)

    def get_page_url(self, source: InboundSource) -> str:
        return object_page_url("sources", source)

    def get_sentence(self, source: InboundSource) -> str:
        return SOURCE_STATES[source.state].sentence

    @extend_schema_field(serializers.FloatField(allow_null=True))
    def get_expected_gap_seconds(self, source: InboundSource) -> float | None:
        return find_expected_gap_seconds(source, source.rhythms.all(), now=clock())

    def get_wanted(self, source: InboundSource) -> bool:
        return source.retired_at is None

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_complete_until(self, source: InboundSource) -> str | None:
        moment = complete_until(source, source.gaps.all())
        return serializers.DateTimeField().to_representation(moment) if moment else None

    @extend_schema_field(CanarySerializer(allow_null=True))
    def get_canary(self, source: InboundSource) -> Mapping[str, Any] | None:
        canary = getattr(source, "canary", None)
        return CanarySerializer(canary).data if canary else None

    def get_open_gaps(self, source: InboundSource) -> int:
        return len(source.gaps.all())


class SourceReadSerializer(StrictSerializer):
    """The time whose changes are read."""

    to = TimestampField(source="to_at", help_text="Not in the future.")
    reason = serializers.CharField(
        max_length=300, required=False, default="", help_text="Kept in the audit log."
    )

    def get_fields(self) -> dict[str, serializers.Field]:
        help_text = "Included. At most 30 days ago, or as long as the system lists its changes."
        return {
            "from": TimestampField(source="from_at", help_text=help_text),
            **super().get_fields(),
        }
