"""Webhook health: endpoints that we call, webhooks that we receive; pages of sources and gaps."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from hub.db.clock import clock
from hub.incoming.gaps.gap_actions import GAP_ACTIONS, SOURCE_READ_ACTIONS
from hub.incoming.insight.gap_page import build_gap_context, readable_gaps
from hub.incoming.insight.source_health import readable_sources
from hub.incoming.insight.source_history import build_source_context
from hub.incoming.insight.webhook_health import build_health_context
from hub.incoming.models import InboundGap, InboundSource
from hub.portal.actions import (
    ActionPages,
    PerformedAction,
    build_action_view,
    list_possible_actions,
)
from hub.portal.display_preferences import resolve_display_zone
from hub.portal.navigation import reverse_object_page, reverse_row_page
from hub.portal.views.etag import respond_or_reload
from tenants.access.tenant_users import TenantUser, tenant_view


@require_safe
@tenant_view()
def show_webhook_health(request: HttpRequest, tenant_user: TenantUser) -> HttpResponse:
    """Show the state of the tenant's webhooks; ?view= shows only one kind of problem."""
    context = build_health_context(
        request.GET,
        [tenant_user.tenant.pk],
        for_staff=False,
        zone=resolve_display_zone(request),
        now=clock(),
    )
    return render(request, "portal/webhooks/health.html", context | {"tenant_user": tenant_user})


def get_source(tenant_user: TenantUser, id: UUID) -> InboundSource:
    """Return a source of the tenant, also one that no route wants any more. Raises Http404."""
    source = readable_sources([tenant_user.tenant.pk]).filter(public_id=id).first()
    if source is None:
        raise Http404(id)
    return source


def get_gap(tenant_user: TenantUser, id: UUID) -> InboundGap:
    """Return a gap of the tenant. Raises Http404."""
    gap = readable_gaps([tenant_user.tenant.pk]).filter(public_id=id).first()
    if gap is None:
        raise Http404(id)
    return gap


@require_safe
@tenant_view()
def show_source(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    source = get_source(tenant_user, id)
    context = build_source_context(source, for_staff=False, now=clock())
    return render(request, "portal/webhooks/source.html", context | {"tenant_user": tenant_user})


@require_safe
@tenant_view()
def show_gap(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    gap = get_gap(tenant_user, id)
    context = {
        "tenant_user": tenant_user,
        "actions": list_possible_actions(GAP_ACTIONS, gap) if tenant_user.can_manage else (),
        "live_url": reverse_object_page("portal:gap_live", tenant_user.tenant, gap),
        **build_gap_context(gap, now=clock()),
    }
    return render(request, "portal/webhooks/gap.html", context)


@require_safe
@tenant_view()
def show_gap_progress(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    """Render the part of a gap's page that changes; reload the page when the gap has ended."""
    context = {
        "tenant_user": tenant_user,
        **build_gap_context(get_gap(tenant_user, id), now=clock()),
    }
    response = render(request, "portal/webhooks/gap_live.html", context)
    return respond_or_reload(request, response, has_ended=not context["entry"].is_open)


def follow_read(
    request: HttpRequest, tenant_user: TenantUser, source: InboundSource, done: PerformedAction
) -> HttpResponse:
    """Redirect to the gap whose read a person has requested."""
    return HttpResponseRedirect(reverse_row_page(done.result, tenant_user.tenant))


def name_source(source: InboundSource) -> str:
    """Return how pages call a source: its connection and its object."""
    return f"{source.connection.name} · {source.object or _('all webhooks')}"


run_source_action = build_action_view(
    ActionPages(
        actions=SOURCE_READ_ACTIONS,
        find=get_source,
        respond=follow_read,
        describe_row=name_source,
    )
)
run_gap_action = build_action_view(
    ActionPages(actions=GAP_ACTIONS, find=get_gap, describe_row=lambda gap: name_source(gap.source))
)
