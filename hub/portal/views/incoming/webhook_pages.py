"""Actions of visitors on the webhooks of a connection: check, repair and rotate."""

from uuid import UUID

from django.http import Http404

from hub.incoming.insight.subscription_status import readable_subscriptions
from hub.incoming.models import WebhookSubscription
from hub.incoming.watch.source_actions import WEBHOOK_ACTIONS
from hub.portal.actions import ActionPages, build_action_view
from hub.portal.navigation import reverse_row_page
from tenants.access.tenant_users import TenantUser
from tenants.scoping import tenant_condition


def get_own_subscription(tenant_user: TenantUser, id: UUID) -> WebhookSubscription:
    """Return a webhook of one of the tenant's connections. Raises Http404."""
    subscription: WebhookSubscription | None = (
        readable_subscriptions()
        .filter(tenant_condition(WebhookSubscription, tenant_user.tenant), public_id=id)
        .exclude(endpoint__connection=None)
        .first()
    )
    if subscription is None or subscription.endpoint.connection is None:
        raise Http404(id)
    return subscription


run_subscription_action = build_action_view(
    ActionPages(
        actions=WEBHOOK_ACTIONS,
        find=get_own_subscription,
        find_page=lambda tenant_user, subscription: reverse_row_page(
            subscription.endpoint.connection, tenant_user.tenant
        ),
    )
)
