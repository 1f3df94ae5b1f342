"""Serializers of events, deliveries and dry runs."""

from typing import Any

from django.core.validators import RegexValidator
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from connectors.http import load_json
from hub.outgoing.insight.dry_run import DryRun
from hub.outgoing.insight.explain import describe_delivery_reason, resolve_effective_state
from hub.outgoing.models import EVENT_TYPE, Delivery, Event
from hub.problems import StrictSerializer
from hub.reason_codes import REASONS
from hub.rest.fields import ObjectField, TextField, TimestampField, object_page_url, object_url

SENDER_ID_VALIDATOR = RegexValidator(
    r"\A(?!\s)[^\x00-\x1f\x7f]+(?<!\s)\Z",
    "One line without control characters and without leading or trailing spaces.",
)


# --- what comes in --------------------------------------------------------------------------------


class EventSerializer(StrictSerializer):
    """Something that happened at a tenant."""

    id = TextField(
        max_length=200,
        required=False,
        validators=[SENDER_ID_VALIDATOR],
        help_text=(
            "Your own ID. Repeating an ID refers to the same event. Omitted: the hub generates one."
        ),
    )
    type = TextField(max_length=120, validators=[EVENT_TYPE], help_text="Such as order.created.")
    tenant = TextField(
        max_length=100,
        required=False,
        help_text="The tenant's reference. Required with a platform key.",
    )
    occurred_at = TimestampField(required=False, help_text="With UTC offset. Omitted: now.")
    data = ObjectField()  # type: ignore[assignment]  # a serializer has its own `data`


# --- what goes out --------------------------------------------------------------------------------


class DeliverySummarySerializer(serializers.Serializer):
    id = serializers.UUIDField()
    connector = serializers.CharField()
    connection = serializers.UUIDField(allow_null=True, help_text="null: not connected yet.")
    state = serializers.ChoiceField(Delivery.State.choices)


class AcceptedSerializer(serializers.Serializer):
    """An event that is stored, with its deliveries."""

    id = serializers.UUIDField()
    sender_id = serializers.CharField(help_text="The ID sent by the client.")
    type = serializers.CharField()
    tenant = serializers.CharField()
    accepted_at = serializers.DateTimeField()
    url = serializers.CharField()
    page_url = serializers.CharField(help_text="URL of the page for signed-in people.")
    deliveries = DeliverySummarySerializer(many=True)


class AcceptedBatchSerializer(serializers.Serializer):
    events = AcceptedSerializer(many=True, help_text="One per sent event, in the same order.")


class NamedSerializer(serializers.Serializer):
    id = serializers.UUIDField(source="public_id")
    name = serializers.CharField()


class DeliverySerializer(serializers.Serializer):
    """A delivery: one event for one connection."""

    id = serializers.UUIDField(source="public_id")
    url = serializers.SerializerMethodField()
    page_url = serializers.SerializerMethodField(help_text="URL of the page for signed-in people.")
    event = serializers.UUIDField(source="event.public_id")
    event_type = serializers.CharField(source="event.type")
    tenant = serializers.CharField(source="tenant.reference")
    route = NamedSerializer()
    connector = serializers.CharField(source="route.connector_key")
    connection = NamedSerializer(allow_null=True, help_text="null: not connected yet.")
    state = serializers.SerializerMethodField()
    reason = serializers.SerializerMethodField(help_text="A stable code; empty: none.")
    sentence = serializers.SerializerMethodField(help_text="Explanation of the state or reason.")
    action = serializers.SerializerMethodField(
        help_text="What a person can do about it; empty: nothing."
    )
    detail = serializers.CharField(
        help_text="Details of the reason, such as the other system's own text."
    )
    attempt_count = serializers.IntegerField(help_text="Number of counted attempts.")
    possibly_delivered = serializers.BooleanField(
        help_text="true: an earlier attempt may have arrived."
    )
    replay_number = serializers.IntegerField(
        help_text="0 for the original delivery, otherwise the number of the replay."
    )
    due_at = serializers.DateTimeField(
        allow_null=True, help_text="The next attempt; null: none is planned."
    )
    accepted_at = serializers.DateTimeField()
    state_changed_at = serializers.DateTimeField(help_text="Start of this state.")

    def get_url(self, delivery: Delivery) -> str:
        return object_url("delivery", delivery)

    def get_page_url(self, delivery: Delivery) -> str:
        return object_page_url("deliveries", delivery)

    @extend_schema_field(serializers.ChoiceField(Delivery.State.choices))
    def get_state(self, delivery: Delivery) -> str:
        return resolve_effective_state(delivery).state

    def get_reason(self, delivery: Delivery) -> str:
        return resolve_effective_state(delivery).reason

    def get_sentence(self, delivery: Delivery) -> str:
        return resolve_effective_state(delivery).sentence

    def get_action(self, delivery: Delivery) -> str:
        return resolve_effective_state(delivery).action


class AttemptSerializer(serializers.Serializer):
    number = serializers.IntegerField()
    started_at = serializers.DateTimeField()
    milliseconds = serializers.IntegerField(allow_null=True)
    outcome = serializers.CharField()
    reason = serializers.CharField()
    detail = serializers.CharField(help_text="The other system's own text.")
    reference = serializers.CharField(help_text="ID of the created record in the other system.")


class DeliveryWithAttemptsSerializer(DeliverySerializer):
    attempts = AttemptSerializer(many=True)


class ExchangeSerializer(serializers.Serializer):
    """The HTTP call; only staff see its bodies, as one call may carry messages of many tenants."""

    at = serializers.DateTimeField()
    method = serializers.CharField()
    url = serializers.CharField(allow_null=True, help_text="Redacted; null: a platform connection.")
    status = serializers.IntegerField(allow_null=True, help_text="null: no response.")
    error = serializers.CharField()


class AttemptWithExchangeSerializer(AttemptSerializer):
    exchange = ExchangeSerializer(
        source="carried_by",
        allow_null=True,
        help_text="null: nothing was sent, or it is no longer stored.",
    )


class DeliveryDetailSerializer(DeliverySerializer):
    attempts = AttemptWithExchangeSerializer(many=True)


class CheckSerializer(serializers.Serializer):
    name = serializers.CharField()
    passed = serializers.BooleanField(
        allow_null=True, help_text="null: not reached or not relevant."
    )
    sentence = serializers.CharField()
    detail = serializers.CharField()


class ExplanationSerializer(serializers.Serializer):
    """The checks of a delivery, in order; the first that failed is why it was not delivered."""

    state = serializers.ChoiceField(Delivery.State.choices, source="effective_state.state")
    reason = serializers.CharField(source="effective_state.reason")
    sentence = serializers.CharField(source="effective_state.sentence")
    action = serializers.CharField(
        source="effective_state.action", help_text="The next step; empty: none."
    )
    next_try = serializers.DateTimeField(allow_null=True)
    checks = CheckSerializer(many=True)


class EventRowSerializer(serializers.Serializer):
    id = serializers.UUIDField(source="public_id")
    url = serializers.SerializerMethodField()
    page_url = serializers.SerializerMethodField(help_text="URL of the page for signed-in people.")
    sender_id = serializers.CharField(help_text="The ID sent by the client.")
    source = serializers.CharField(  # type: ignore[assignment]  # a field has its own `source`
        help_text="api, or another source."
    )
    type = serializers.CharField()
    tenant = serializers.CharField(source="tenant.reference")
    occurred_at = serializers.DateTimeField()
    accepted_at = serializers.DateTimeField()
    reason = serializers.CharField(help_text="no_route, or empty.")
    sentence = serializers.SerializerMethodField(help_text="Explanation of the reason.")

    def get_url(self, event: Event) -> str:
        return object_url("event", event)

    def get_page_url(self, event: Event) -> str:
        return object_page_url("events", event)

    def get_sentence(self, event: Event) -> str:
        return REASONS[event.reason].sentence if event.reason else ""


class OriginItemSerializer(serializers.Serializer):
    id = serializers.UUIDField(source="public_id")
    url = serializers.SerializerMethodField()

    def get_url(self, item: Any) -> str:
        return object_url("inbound_item", item)


class OriginSerializer(serializers.Serializer):
    """The connection that received an event, and the item that became it."""

    connection = NamedSerializer(source="origin")
    connector = serializers.CharField(source="origin.connector_key")
    item = serializers.SerializerMethodField(help_text="null: it is no longer stored.")

    @extend_schema_field(OriginItemSerializer(allow_null=True))
    def get_item(self, event: Event) -> Any:
        items = event.inbound_items.all()
        return OriginItemSerializer(items[0]).data if items else None


class EventDetailSerializer(EventRowSerializer):
    """An event with its deliveries and its origin."""

    origin = serializers.SerializerMethodField(
        help_text="The connection that received it; null: it was sent by the API or by staff."
    )
    deliveries = DeliveryWithAttemptsSerializer(many=True)

    @extend_schema_field(OriginSerializer(allow_null=True))
    def get_origin(self, event: Event) -> Any:
        return OriginSerializer(event).data if event.origin_id else None


class MissingIdentitySerializer(serializers.Serializer):
    kind = serializers.CharField()
    local_id = serializers.CharField()


class MissingValueSerializer(serializers.Serializer):
    pointer = serializers.CharField(help_text="A JSON pointer into the field mapping.")
    path = serializers.CharField(help_text="The path that found nothing in the event.")


class DryRunSerializer(serializers.Serializer):
    """The result for the event; nothing was stored or sent."""

    state = serializers.ChoiceField(
        Delivery.State.choices,
        help_text="In which its delivery would begin; waiting: it would be sent.",
    )
    reason = serializers.CharField(help_text="A stable code; empty: none.")
    sentence = serializers.CharField()
    detail = serializers.CharField()
    result = serializers.DictField(allow_null=True, help_text="What the mapping produced.")
    missing_identities = MissingIdentitySerializer(many=True)
    missing_values = MissingValueSerializer(many=True)


def serialize_dry_run(dry_run: DryRun, connector_key: str) -> dict[str, Any]:
    """Return the result of a dry run as `DryRunSerializer` shows it."""
    reason, sentence = dry_run.reason, "It would be sent."
    if reason:
        sentence = str(describe_delivery_reason(reason, connector_key).sentence)
    data: dict[str, Any] = DryRunSerializer(
        {
            "state": dry_run.state,
            "reason": reason,
            "sentence": sentence,
            "detail": dry_run.detail,
            "result": load_json(dry_run.body) if dry_run.body else None,
            "missing_identities": [
                {"kind": kind, "local_id": local_id} for kind, local_id in dry_run.missing
            ],
            "missing_values": [
                {"pointer": pointer, "path": path} for pointer, path in dry_run.gaps
            ],
        }
    ).data
    return data
