"""Actions of visitors on the webhooks of a connection: check, repair and rotate."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from hub.audit import ActorContext
from hub.db.clock import clock
from hub.incoming.insight.subscription_status import readable_subscriptions
from hub.incoming.models import WebhookSubscription
from hub.incoming.registration.actions import SubscriptionActionRefused
from hub.portal.views.connections.own_connection import redirect_to_connection
from hub.portal.webhook_status import SUBSCRIPTION_ACTIONS
from tenants.access.tenant_users import TenantUser, tenant_view
from tenants.models import Membership
from tenants.scoping import tenant_condition


@require_POST
@tenant_view(min_role=Membership.Role.ADMIN)
def run_subscription_action(
    request: HttpRequest, tenant_user: TenantUser, id: UUID, verb: str
) -> HttpResponse:
    if verb not in SUBSCRIPTION_ACTIONS:
        raise Http404(verb)
    subscription = (
        readable_subscriptions()
        .filter(tenant_condition(WebhookSubscription, tenant_user.tenant), public_id=id)
        .exclude(endpoint__connection=None)
        .first()
    )
    if subscription is None or subscription.endpoint.connection is None:
        raise Http404(id)
    action, actor = SUBSCRIPTION_ACTIONS[verb], ActorContext.of_visitor(request, tenant_user)
    try:
        action.run(subscription, actor, now=clock())
    except SubscriptionActionRefused as refused:
        messages.warning(request, str(refused))
    else:
        messages.success(request, str(action.success_text))
    return redirect_to_connection(tenant_user, subscription.endpoint.connection)
