"""Reveal and rotate the signing secret of a customer's endpoint, and end the overlap."""

import secrets
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST

from hub.audit import ActorContext
from hub.connections.actions import signing_secret_actions
from hub.db.clock import clock
from hub.portal.views.endpoints.endpoint_pages import (
    ADMIN,
    get_endpoint,
    redirect_to_endpoint,
    render_endpoint_page,
)
from hub.problems import show_refusal
from tenants.access.tenant_users import TenantUser, require_recent_login, tenant_view


@require_POST
@never_cache
@tenant_view(min_role=ADMIN)
@require_recent_login
@sensitive_variables()
def reveal_secret_view(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    endpoint, now = get_endpoint(tenant_user, id), clock()
    with show_refusal(request):
        secret = signing_secret_actions.reveal_signing_secret(
            endpoint, ActorContext.of_visitor(request, tenant_user), now=now
        )
        return render_endpoint_page(request, tenant_user, endpoint, secret=secret)
    return redirect_to_endpoint(tenant_user, endpoint)


@require_POST
@never_cache
@tenant_view(min_role=ADMIN)
@require_recent_login
@sensitive_variables()
def rotate_secret_view(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    endpoint, now = get_endpoint(tenant_user, id), clock()
    with show_refusal(request):
        secret, _overlap_until = signing_secret_actions.change_signing_secret(
            endpoint,
            ActorContext.of_visitor(request, tenant_user),
            random=secrets.token_bytes,
            now=now,
        )
        changed = get_endpoint(tenant_user, id)
        return render_endpoint_page(request, tenant_user, changed, secret=secret)
    return redirect_to_endpoint(tenant_user, endpoint)


@require_POST
@tenant_view(min_role=ADMIN)
@require_recent_login
def end_secret_overlap_view(
    request: HttpRequest, tenant_user: TenantUser, id: UUID
) -> HttpResponse:
    endpoint, now = get_endpoint(tenant_user, id), clock()
    with show_refusal(request):
        signing_secret_actions.end_signing_overlap(
            endpoint, ActorContext.of_visitor(request, tenant_user), now=now
        )
        messages.success(request, _("Only the new secret signs now."))
    return redirect_to_endpoint(tenant_user, endpoint)
