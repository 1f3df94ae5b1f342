"""Serializers of inbound items and their requests."""

from rest_framework import serializers

from hub.incoming.insight.rows import REJECTED, InboundRow
from hub.incoming.models import InboundItem, InboundMessage
from hub.outgoing.models import Event
from hub.outgoing.serializers import NamedSerializer
from hub.rest.fields import object_page_url, object_url

INBOUND_STATES = [*InboundItem.State.choices, (REJECTED, "Rejected")]


class InboundMessageSerializer(serializers.Serializer):
    """The request in which an item arrived."""

    id = serializers.UUIDField(source="public_id")
    verdict = serializers.ChoiceField(InboundMessage.State.choices, source="state")
    cause = serializers.CharField(help_text="Why it was rejected, a stable code; empty: accepted.")
    detail = serializers.CharField(help_text="Details of the cause.")
    method = serializers.CharField()
    size = serializers.IntegerField(help_text="Bytes of its body.")
    received_at = serializers.DateTimeField()
    processed_at = serializers.DateTimeField(allow_null=True)


class EventLinkSerializer(serializers.Serializer):
    id = serializers.UUIDField(source="public_id")
    type = serializers.CharField()
    url = serializers.SerializerMethodField()

    def get_url(self, event: Event) -> str:
        return object_url("event", event)


class InboundItemSerializer(serializers.Serializer):
    """A notification in a webhook request. A rejected request has none and is one row."""

    id = serializers.UUIDField(source="public_id")
    url = serializers.SerializerMethodField()
    page_url = serializers.SerializerMethodField(help_text="URL of the page for signed-in people.")
    connector = serializers.CharField(source="message.connector_key")
    tenant = serializers.CharField(
        source="tenant.reference", default=None, allow_null=True, help_text="null: none yet."
    )
    connection = NamedSerializer(allow_null=True, help_text="null: none yet.")
    state = serializers.ChoiceField(INBOUND_STATES)
    reason = serializers.CharField(help_text="A stable code; empty: none.")
    sentence = serializers.CharField(help_text="Explanation of the state or reason.")
    action = serializers.CharField(help_text="What a person can do about it; empty: nothing.")
    detail = serializers.CharField(source="item.detail", default="")
    type = serializers.CharField(
        source="item.type", default="", help_text="The type of its event; empty: unknown."
    )
    account = serializers.CharField(
        source="item.account", default="", help_text="The account, as the other system names it."
    )
    record = serializers.CharField(
        source="item.record", default="", help_text="ID of the changed record."
    )
    external_id = serializers.CharField(
        source="item.item_key", default="", help_text="The other system's ID of the notification."
    )
    replay_number = serializers.IntegerField(source="item.replay_number", default=0)
    event = EventLinkSerializer(
        source="item.event", default=None, allow_null=True, help_text="null: it became no event."
    )
    occurred_at = serializers.DateTimeField(
        source="item.occurred_at", default=None, allow_null=True
    )
    received_at = serializers.DateTimeField(source="message.received_at")
    state_changed_at = serializers.DateTimeField(
        source="item.state_changed_at", default=None, allow_null=True
    )
    retries_until = serializers.DateTimeField(
        allow_null=True,
        help_text="Until when the other system sends a rejected request again; null: it does not.",
    )
    message = InboundMessageSerializer()

    def get_url(self, row: InboundRow) -> str:
        return object_url("inbound_item", row)

    def get_page_url(self, row: InboundRow) -> str:
        return object_page_url("inbound", row)


class InboundMessageDetailSerializer(InboundMessageSerializer):
    headers = serializers.DictField(
        child=serializers.CharField(), help_text="Those that are stored, without secrets."
    )
    query = serializers.CharField(help_text="The query of the URL, without secrets.")


class InboundItemDetailSerializer(InboundItemSerializer):
    """An item with the headers of its request."""

    message = InboundMessageDetailSerializer()  # type: ignore[assignment]  # with more
