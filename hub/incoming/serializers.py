"""Serializers of inbound items, webhook subscriptions, sources and gaps."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from hub.db.clock import clock
from hub.incoming.endpoints.allowed_sources import MAX_NETWORKS
from hub.incoming.gaps import complete_until
from hub.incoming.gaps.gap_actions import GAP_ACTIONS
from hub.incoming.gaps.gap_texts import describe_gap_fully, explain_gap
from hub.incoming.insight.rows import REJECTED, InboundRow
from hub.incoming.insight.source_history import find_expected_gap_seconds
from hub.incoming.insight.subscription_status import (
    describe_subscription,
    find_last_item_at,
    find_url,
)
from hub.incoming.models import (
    InboundGap,
    InboundItem,
    InboundMessage,
    InboundSource,
    SourceCanary,
    SourceRhythm,
    WebhookSubscription,
)
from hub.incoming.watch.source_actions import MINUTES_LEAST, MINUTES_MOST
from hub.outgoing.models import Event
from hub.outgoing.serializers import NamedSerializer
from hub.problems import StrictSerializer
from hub.rest.fields import TimestampField, object_page_url, object_url
from hub.state_texts import SOURCE_STATES

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


class WebhookSubscriptionSerializer(serializers.Serializer):
    """One registration of ours in another system, as wanted and as observed."""

    id = serializers.UUIDField(source="public_id")
    url = serializers.SerializerMethodField()
    page_url = serializers.SerializerMethodField(help_text="URL of the page for signed-in people.")
    connector = serializers.CharField(source="endpoint.connector_key")
    tenant = serializers.CharField(
        source="tenant.reference",
        default=None,
        allow_null=True,
        help_text="null: one URL serves all tenants.",
    )
    connection = NamedSerializer(source="endpoint.connection", allow_null=True)
    key = serializers.CharField(help_text="Identifies it among those of its connection.")
    event_types = serializers.SerializerMethodField(help_text="The types that it delivers.")
    wanted = serializers.BooleanField(
        source="is_wanted", help_text="false: no route wants it, so it is removed."
    )
    state = serializers.ChoiceField(WebhookSubscription.State.choices)
    reason = serializers.CharField(help_text="Why the last check failed, a code; empty: none.")
    sentence = serializers.SerializerMethodField(help_text="Explanation of the state or reason.")
    action = serializers.SerializerMethodField(
        help_text="What a person can do about it; empty: nothing."
    )
    detail = serializers.CharField(help_text="The other system's own text.")
    failure_count = serializers.IntegerField(help_text="Failed checks or repairs in a row.")
    checked_at = serializers.DateTimeField(allow_null=True)
    next_check_at = serializers.DateTimeField(source="endpoint.next_check_at", allow_null=True)
    verified_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True, help_text="null: it does not expire.")
    last_item_at = serializers.SerializerMethodField(help_text="When an item last arrived.")
    state_changed_at = serializers.DateTimeField()

    def get_url(self, subscription: WebhookSubscription) -> str:
        return object_url("webhook_subscription", subscription)

    def get_page_url(self, subscription: WebhookSubscription) -> str:
        return object_page_url("webhook-subscriptions", subscription)

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_event_types(self, subscription: WebhookSubscription) -> list[str]:
        key = subscription.endpoint.connector_key
        return [f"{key}.{type}" for type in subscription.event_types]

    def get_sentence(self, subscription: WebhookSubscription) -> str:
        return describe_subscription(subscription).sentence

    def get_action(self, subscription: WebhookSubscription) -> str:
        return describe_subscription(subscription).action

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_last_item_at(self, subscription: WebhookSubscription) -> str | None:
        field, moment = serializers.DateTimeField(), find_last_item_at(subscription)
        return field.to_representation(moment) if moment else None


class AllowedSourcesSerializer(StrictSerializer):
    """The networks from which the webhooks of a subscription's URL are accepted."""

    networks = serializers.ListField(
        child=serializers.CharField(max_length=60),
        max_length=MAX_NETWORKS,
        help_text="In CIDR notation; empty: from everywhere.",
    )
    reason = serializers.CharField(
        max_length=300, required=False, default="", help_text="Kept in the audit log."
    )


class CanaryOnSerializer(StrictSerializer):
    minutes = serializers.IntegerField(
        min_value=MINUTES_LEAST,
        max_value=MINUTES_MOST,
        help_text="Between two changes; longer if the quota of the account asks for it.",
    )


class WebhookSubscriptionDetailSerializer(WebhookSubscriptionSerializer):
    """A subscription with the system's report, and the steps for a person where the hub cannot.

    The URL is a secret: the context says by `reveals_url` whether the key may see it.
    """

    external_id = serializers.CharField(help_text="The other system's ID; empty: none.")
    allowed_sources = serializers.ListField(
        child=serializers.CharField(),
        source="endpoint.allowed_sources",
        help_text="Networks from which its webhooks are accepted; empty: from everywhere.",
    )
    evidence = serializers.DictField(help_text="What the other system reported.")
    steps = serializers.SerializerMethodField(
        help_text=(
            "What a person does in the other system, in order; empty: nothing. Only for keys with "
            "webhook-subscriptions:write, as it names the URL."
        )
    )
    receive_url = serializers.SerializerMethodField(
        help_text=(
            "URL to enter in the other system, where a person registers it; otherwise null. Only "
            "for keys with webhook-subscriptions:write."
        )
    )

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_steps(self, subscription: WebhookSubscription) -> list[str]:
        if not self.context.get("reveals_url"):
            return []
        return list(describe_subscription(subscription).guide)

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_receive_url(self, subscription: WebhookSubscription) -> str | None:
        is_revealed = self.context.get("reveals_url") and subscription.state == "manual"
        return find_url(subscription) if is_revealed else None


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


class CanarySerializer(serializers.Serializer):
    """A change that the hub causes itself, to prove that it would hear."""

    state = serializers.ChoiceField(SourceCanary.State.choices)
    on = serializers.BooleanField(source="is_on")
    interval_seconds = serializers.IntegerField()
    round_trip_ms = serializers.IntegerField(allow_null=True)


class SubscriptionCanarySerializer(serializers.Serializer):
    """The changes by which the hub proves a webhook subscription."""

    source = serializers.UUIDField(source="source.public_id")  # type: ignore[assignment]
    canary = CanarySerializer(allow_null=True)
    remaining = serializers.CharField(
        help_text="Why the record of the hub could not be deleted in the other system; empty: none."
    )


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
