"""Serializers of gaps."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from hub.db.clock import clock
from hub.incoming.gaps.gap_actions import GAP_ACTIONS
from hub.incoming.gaps.gap_texts import describe_gap_fully, explain_gap
from hub.incoming.models import InboundGap
from hub.outgoing.serializers import NamedSerializer
from hub.rest.fields import object_page_url, object_url


class GapCountsSerializer(serializers.Serializer):
    """What the read of a gap found."""

    read = serializers.IntegerField(source="read_count", help_text="Changes that were read.")
    known = serializers.IntegerField(source="known_count", help_text="Reported by webhooks before.")
    new = serializers.IntegerField(source="new_count", help_text="Published now.")
    deleted = serializers.IntegerField(source="deleted_count", help_text="Deletions among them.")
    unreadable = serializers.IntegerField(source="unreadable_count")


class GapSerializer(serializers.Serializer):
    """A time in which changes of a source may have been missed."""

    id = serializers.UUIDField(source="public_id")
    url = serializers.SerializerMethodField()
    page_url = serializers.SerializerMethodField(help_text="URL of the page for signed-in people.")
    tenant = serializers.CharField(source="tenant.reference")
    source = serializers.UUIDField(source="source.public_id")  # type: ignore[assignment]
    connection = NamedSerializer()
    connector = serializers.CharField(source="connection.connector_key")
    object = serializers.CharField(source="source.object")
    cause = serializers.ChoiceField(InboundGap.Cause.choices)
    detail = serializers.CharField()
    state = serializers.ChoiceField(InboundGap.State.choices)
    reason = serializers.CharField(help_text="A stable code; empty: none.")
    sentence = serializers.SerializerMethodField(
        help_text="Its cause, what happens or what was found, and why something is missing."
    )
    action = serializers.SerializerMethodField(
        help_text="What a person must do; empty: nothing. `possible_actions` has the calls."
    )
    possible_actions = serializers.SerializerMethodField(
        help_text="The actions that its state allows now: start, cancel."
    )
    to = serializers.DateTimeField(source="to_at", allow_null=True, help_text="null: it lasts.")
    counts = GapCountsSerializer(source="*")
    expected = serializers.IntegerField(
        source="expected_count",
        allow_null=True,
        help_text="Changes to be read, as estimated; null: not known.",
    )
    missing_from = serializers.DateTimeField(
        allow_null=True, help_text="From when on the system could not give all; null: it could."
    )
    missing_to = serializers.DateTimeField(allow_null=True)
    requested_by = serializers.CharField(help_text="Who requested the read; empty: the hub.")
    run = serializers.UUIDField(
        source="run_id", allow_null=True, help_text="The run that reads it."
    )
    opened_at = serializers.DateTimeField()
    closed_at = serializers.DateTimeField(allow_null=True)

    def get_fields(self) -> dict[str, serializers.Field]:
        return {**super().get_fields(), "from": serializers.DateTimeField(source="from_at")}

    def get_url(self, gap: InboundGap) -> str:
        return object_url("gap", gap)

    def get_page_url(self, gap: InboundGap) -> str:
        return object_page_url("gaps", gap)

    def get_sentence(self, gap: InboundGap) -> str:
        return describe_gap_fully(gap, now=clock())

    def get_action(self, gap: InboundGap) -> str:
        return explain_gap(gap).action

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_possible_actions(self, gap: InboundGap) -> list[str]:
        return [action.name for action in GAP_ACTIONS.values() if action.is_available(gap)]
