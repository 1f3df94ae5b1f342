"""Serializers of webhook subscriptions, and of the changes that prove them."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from hub.incoming.endpoints.allowed_sources import MAX_NETWORKS
from hub.incoming.insight.subscription_status import (
    describe_subscription,
    find_last_item_at,
    find_url,
)
from hub.incoming.models import SourceCanary, WebhookSubscription
from hub.incoming.watch.source_actions import MINUTES_LEAST, MINUTES_MOST
from hub.outgoing.serializers import NamedSerializer
from hub.problems import StrictSerializer
from hub.rest.fields import object_page_url, object_url


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


class CanaryOnSerializer(StrictSerializer):
    minutes = serializers.IntegerField(
        min_value=MINUTES_LEAST,
        max_value=MINUTES_MOST,
        help_text="Between two changes; longer if the quota of the account asks for it.",
    )


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
