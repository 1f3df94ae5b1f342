"""Operations on many deliveries: select, plan, confirm, watch, cancel, and read the result."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from hub.audit import ActorContext
from hub.audit.own_reasons import REQUESTED_IN_LOG, translate_reason
from hub.db.clock import clock
from hub.db.state_machine import InvalidTransition
from hub.operations import operation_actions
from hub.operations.models import Operation
from hub.operations.operation_actions import OperationRefused
from hub.outgoing.models import Delivery
from hub.outgoing.operations import planning
from hub.portal.display_preferences import resolve_display_zone
from hub.portal.log.operation_form import OperationForm, describe_filter, parse_operation_filter
from hub.portal.navigation import reverse_object_page
from hub.portal.views.etag import respond_or_reload
from hub.scheduled.repairs.discrepancy_actions import REPAIR_OPERATION
from tenants.access.tenant_users import TenantUser, tenant_view
from tenants.models import Membership

OPERATION_ACTIONS = {
    "confirm": operation_actions.confirm_operation,
    "cancel": operation_actions.cancel_operation,
}


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
        "form": form,
        "chosen": operation_filter,
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
    operation = get_operation(tenant_user, id)
    sample = [entry["id"] for entry in operation.facts["sample"]]
    visible_ids = {
        str(pk)
        for pk in Delivery.objects.of(tenant_user.tenant)
        .filter(public_id__in=sample)
        .values_list("public_id", flat=True)
    }
    context = {
        "tenant_user": tenant_user,
        "label": planning.OPERATION_LABELS[operation.kind],
        "reason": translate_reason(operation.reason),
        "is_repair": operation.kind == REPAIR_OPERATION,
        "samples": [(entry, entry["id"] in visible_ids) for entry in operation.facts["sample"]],
        "oldest": operation.facts["oldest"] and datetime.fromisoformat(operation.facts["oldest"]),
        "lasts": timedelta(seconds=operation.facts["seconds"]),
        **build_progress_context(operation, now=clock()),
    }
    return render(request, "portal/log/operation.html", context)


@require_safe
@tenant_view()
def show_operation_status(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    operation = get_operation(tenant_user, id)
    response = render(
        request,
        "portal/log/operation_live.html",
        {"tenant_user": tenant_user, **build_progress_context(operation, now=clock())},
    )
    return respond_or_reload(request, response, has_ended=operation.is_ended)


def build_progress_context(operation: Operation, *, now: datetime) -> dict[str, Any]:
    seconds_left = operation.seconds_left(now=now)
    return {
        "operation": operation,
        "expired": operation.is_expired(now=now),
        "left": timedelta(seconds=seconds_left) if seconds_left is not None else None,
        "took": operation.finished_at - operation.started_at
        if operation.finished_at and operation.started_at
        else None,
    }


@require_POST
@tenant_view(min_role=Membership.Role.ADMIN)
def run_operation_action(
    request: HttpRequest, tenant_user: TenantUser, id: UUID, verb: str
) -> HttpResponse:
    if verb not in OPERATION_ACTIONS:
        raise Http404(verb)
    operation = get_operation(tenant_user, id)
    try:
        OPERATION_ACTIONS[verb](
            operation, ActorContext.of_visitor(request, tenant_user), now=clock()
        )
    except OperationRefused as error:
        messages.warning(request, str(error))
    except InvalidTransition:
        messages.warning(
            request,
            _("The state has changed in the meantime: it is already %(state)s.")
            % {"state": get_operation(tenant_user, id).state},
        )
    return HttpResponseRedirect(
        reverse_object_page("portal:operation", tenant_user.tenant, operation)
    )
