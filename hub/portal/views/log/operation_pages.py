"""Operations on many deliveries: select, plan, confirm, watch, cancel, and read the result."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from hub.audit import ActorContext
from hub.audit.own_reasons import REQUESTED_IN_LOG
from hub.db.clock import clock
from hub.operations.models import Operation
from hub.operations.operation_actions import OPERATION_ACTIONS
from hub.outgoing.operations import planning
from hub.outgoing.operations.operation_page import (
    LIVE_TEMPLATE,
    build_operation_context,
    build_progress_context,
)
from hub.portal.actions import ActionPages, build_action_view, list_possible_actions
from hub.portal.display_preferences import resolve_display_zone
from hub.portal.log.operation_form import OperationForm, describe_filter, parse_operation_filter
from hub.portal.navigation import reverse_object_page
from hub.portal.views.etag import respond_or_reload
from tenants.access.tenant_users import TenantUser, tenant_view
from tenants.models import Membership


@require_http_methods(["GET", "HEAD", "POST"])
@tenant_view(min_role=Membership.Role.ADMIN)
def plan_operation_view(request: HttpRequest, tenant_user: TenantUser) -> HttpResponse:
    """Plan an operation; the URL holds its filter, so that the page can be shared."""
    operation_filter = parse_operation_filter(request.GET)
    form = OperationForm(request.POST or None, initial={"kind": request.GET.get("kind", "retry")})
    if request.method == "POST" and operation_filter and form.is_valid():
        data = form.cleaned_data
        operation = planning.plan_operation(
            data["kind"],
            operation_filter,
            tenant=tenant_user.tenant,
            reason=data["reason"] or REQUESTED_IN_LOG,
            actor=ActorContext.of_visitor(request, tenant_user),
            now=clock(),
        )
        return HttpResponseRedirect(
            reverse_object_page("portal:operation", tenant_user.tenant, operation)
        )
    count = len(operation_filter.get("deliveries", ()))
    context = {
        "tenant_user": tenant_user,
        "title": _("Act on several deliveries"),
        "list_title": _("Events"),
        "list_url": reverse("portal:events", args=[tenant_user.tenant.reference]),
        "form": form,
        "nothing_selected": not operation_filter,
        "selected": count,
        "worded": describe_filter(
            operation_filter, tenant_user.tenant, resolve_display_zone(request)
        ),
        "api_filters": operation_filter,
    }
    return render(request, "portal/log/plan.html", context)


def get_operation(tenant_user: TenantUser, id: UUID) -> Operation:
    operation: Operation | None = (
        Operation.objects.of(tenant_user.tenant)
        .select_related("tenant")
        .filter(public_id=id)
        .first()
    )
    if operation is None:
        raise Http404(id)
    return operation


@require_safe
@tenant_view()
def show_operation(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    operation, now = get_operation(tenant_user, id), clock()
    context = {
        "tenant_user": tenant_user,
        "actions": [
            offered
            for offered in list_possible_actions(OPERATION_ACTIONS, operation)
            if tenant_user.can_manage
            and not (offered.action.name == "confirm" and operation.is_expired(now=now))
        ],
        "live_url": reverse_object_page("portal:operation_live", tenant_user.tenant, operation),
        **build_operation_context(operation, [tenant_user.tenant.pk]),
        **build_progress_context(operation, now=now),
    }
    return render(request, "portal/log/operation.html", context)


@require_safe
@tenant_view()
def show_operation_status(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    operation = get_operation(tenant_user, id)
    response = render(
        request,
        LIVE_TEMPLATE,
        {"tenant_user": tenant_user, **build_progress_context(operation, now=clock())},
    )
    return respond_or_reload(request, response, has_ended=operation.is_ended)


run_operation_action = build_action_view(ActionPages(actions=OPERATION_ACTIONS, find=get_operation))
