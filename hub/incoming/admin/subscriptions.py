"""Admin of webhook subscriptions: state, evidence and required steps; check, repair, rotate."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html

from hub.incoming.insight.subscription_status import (
    describe_subscription,
    find_last_item_at,
    find_url,
)
from hub.incoming.models import WebhookSubscription
from hub.incoming.registration.outcomes import INSTALLATION_MOVED
from hub.incoming.watch.source_actions import WEBHOOK_ACTIONS
from hub.staff import (
    ChoicesFilter,
    ConnectorFilter,
    EmptyStep,
    display,
    render_badge,
    render_time,
)
from tenants.admin.read_only_admin import ReadOnlyAdmin
from tenants.admin.tenant_filter import TenantFilter


class EndpointConnectorFilter(ConnectorFilter):
    path = "endpoint__connector_key"


@admin.register(WebhookSubscription)
class WebhookSubscriptionAdmin(ReadOnlyAdmin):
    empty_text = (
        "A subscription is registered at the other system when a connection that sends "
        "webhooks is made."
    )
    empty_step = EmptyStep(
        "Show the connections",
        "admin:connections_connection_changelist",
        "connections.view_connection",
    )
    page_template = "incoming/subscription.html"
    live_template = "incoming/subscription_live.html"
    declared_actions = WEBHOOK_ACTIONS

    list_display = (
        "shown_state",
        "registered_at",
        "customer",
        "problem",
        "last_item",
        "next_check",
    )
    list_filter = (("state", ChoicesFilter), EndpointConnectorFilter, TenantFilter)
    list_select_related = ("tenant", "endpoint__connection")
    list_display_links = ("shown_state", "registered_at")
    search_fields = ("public_id", "external_id")
    search_help_text = "The id of a registration, ours or the system's, or of a connection; exact"
    ordering = ("-pk",)
    sortable_by: ClassVar[tuple[str, ...]] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return (
            super().get_queryset(request).select_related("tenant", "endpoint__connection__tenant")
        )

    def match_search(self, request: HttpRequest, term: str) -> Q:
        try:
            id = UUID(term)
        except ValueError:
            return Q(external_id=term.replace("\0", ""))
        return Q(public_id=id) | Q(endpoint__connection__public_id=id)

    # --- columns ---

    @display(description="state")
    def shown_state(self, subscription: WebhookSubscription) -> str:
        return render_badge(subscription.state)

    @display(description="registration")
    def registered_at(self, subscription: WebhookSubscription) -> str:
        endpoint = subscription.endpoint
        return format_html(
            '{}<br><span class="hub-quiet">{}</span>',
            endpoint.connection or endpoint.connector.label,
            subscription.key,
        )

    @display(description="tenant")
    def customer(self, subscription: WebhookSubscription) -> str:
        return subscription.tenant.name if subscription.tenant else "all tenants"

    @display(description="next step")
    def problem(self, subscription: WebhookSubscription) -> str:
        status = describe_subscription(subscription)
        return status.action or ("" if subscription.state == "verified" else status.sentence)

    @display(description="last item")
    def last_item(self, subscription: WebhookSubscription) -> str:
        return render_time(find_last_item_at(subscription))

    @display(description="next check")
    def next_check(self, subscription: WebhookSubscription) -> str:
        return render_time(subscription.endpoint.next_check_at)

    # --- its page ---

    def title_of(self, subscription: WebhookSubscription) -> str:
        endpoint = subscription.endpoint
        return f"{subscription.key} at {endpoint.connection or endpoint.connector.label}"

    def live_context(self, subscription: WebhookSubscription, *, now: datetime) -> dict[str, Any]:
        return {
            "status": describe_subscription(subscription),
            "last_item_at": find_last_item_at(subscription),
            "ended": subscription.state not in ("wanted", "drifted"),
        }

    def page_context(
        self, request: HttpRequest, subscription: WebhookSubscription
    ) -> dict[str, Any]:
        key = subscription.endpoint.connector_key
        return {
            "url": find_url(subscription) if self._reveals_url(request) else None,
            "is_url_hidden": not self._reveals_url(request),
            "event_types": [f"{key}.{type}" for type in subscription.event_types],
            "evidence": sorted(subscription.evidence.items()),
        }

    def _reveals_url(self, request: HttpRequest) -> bool:
        """Return whether the user may see URLs, which are secrets: like who may rotate them."""
        return request.user.has_perm("incoming.change_webhooksubscription")

    # --- what can be done ---

    def suggested_action(self, subscription: WebhookSubscription) -> str:
        if subscription.reason == INSTALLATION_MOVED:
            return "confirm_move"
        return "" if subscription.state == "verified" else "repair"
