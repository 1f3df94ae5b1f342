"""Actions of visitors on the webhooks of a connection: check, repair and rotate."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from hub.incoming.insight.subscription_status import readable_subscriptions
from hub.incoming.models import WebhookSubscription
from hub.incoming.registration.actions import SUBSCRIPTION_ACTIONS
from hub.portal.actions import find_action, perform_action
from hub.portal.views.connections.own_connection import redirect_to_connection
from tenants.access.tenant_users import TenantUser, tenant_view
from tenants.models import Membership
from tenants.scoping import tenant_condition


@require_POST
@tenant_view(min_role=Membership.Role.ADMIN)
def run_subscription_action(
    request: HttpRequest, tenant_user: TenantUser, id: UUID, verb: str
) -> HttpResponse:
    action = find_action(SUBSCRIPTION_ACTIONS, verb)
    subscription = (
        readable_subscriptions()
        .filter(tenant_condition(WebhookSubscription, tenant_user.tenant), public_id=id)
        .exclude(endpoint__connection=None)
        .first()
    )
    if subscription is None or subscription.endpoint.connection is None:
        raise Http404(id)
    perform_action(request, tenant_user, action, subscription)
    return redirect_to_connection(tenant_user, subscription.endpoint.connection)
