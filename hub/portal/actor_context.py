"""What the pages hand down: who does it, for the audit and for how much one may do in an hour."""

from django.http import HttpRequest

from hub.operations.operation_actions import ActorContext
from tenants.access.tenant_users import TenantUser


def build_actor_context(request: HttpRequest, tenant_user: TenantUser) -> ActorContext:
    return ActorContext.of(request, tenant_user.actor)
