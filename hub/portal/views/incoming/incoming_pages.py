"""The log of incoming items and rejected requests, the page of one, and its replay."""

from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from hub.incoming.insight.outcomes import load_outcome
from hub.incoming.insight.rows import (
    REJECTED,
    InboundRow,
    build_row,
    readable_items,
    rejected_messages,
)
from hub.incoming.models import InboundItem, InboundMessage
from hub.incoming.processing.replay import ITEM_ACTIONS
from hub.outgoing.insight.log_rows import build_log_row
from hub.portal.actions import ActionPages, build_action_view, list_possible_actions
from hub.portal.log.filter_chips import LogLink, build_query_string
from hub.portal.log.pages import Cursor, assemble_page, filter_after_cursor, parse_cursor
from hub.state_texts import state_label
from tenants.access.tenant_users import TenantUser, tenant_view
from tenants.models import Tenant
from tenants.scoping import tenant_condition

PAGE_SIZE = 50
STATES = (*InboundItem.State.values, REJECTED)


@require_safe
@tenant_view()
def show_incoming(request: HttpRequest, tenant_user: TenantUser) -> HttpResponse:
    """List the tenant's items, newest first; with ?state=rejected its rejected requests."""
    data, cursor = request.GET.dict(), parse_cursor(request.GET)
    state = data.get("state", "")
    rows = filter_after_cursor(_select_rows(tenant_user.tenant, state), cursor)
    ordered = rows.order_by("pk" if cursor.before else "-pk")
    page = assemble_page(list(ordered[: PAGE_SIZE + 1]), cursor, PAGE_SIZE)
    context = {
        "tenant_user": tenant_user,
        "rows": [build_row(instance) for instance in page.rows],
        "views": _list_views(state),
        "newer": build_query_string(data, before=page.newer) if page.newer else "",
        "older": build_query_string(data, after=page.older) if page.older else "",
        "is_first_page": cursor == Cursor(),
        "state": state,
    }
    return render(request, "portal/incoming/list.html", context)


def _select_rows(tenant: Tenant, state: str) -> QuerySet[InboundItem] | QuerySet[InboundMessage]:
    if state == REJECTED:
        return rejected_messages().filter(tenant_condition(InboundMessage, tenant))
    items = readable_items().filter(tenant_condition(InboundItem, tenant))
    return items.filter(state=state) if state in STATES else items


def _list_views(state: str) -> list[LogLink]:
    links = [LogLink(state_label(value), f"?state={value}", value == state) for value in STATES]
    return [LogLink(_("All"), "?", state not in STATES), *links]


def get_row(tenant_user: TenantUser, id: UUID) -> InboundRow:
    """Return the tenant's item or rejected request. Raises Http404."""
    tenant = tenant_user.tenant
    items = readable_items().filter(tenant_condition(InboundItem, tenant), public_id=id)
    messages_ = rejected_messages().filter(tenant_condition(InboundMessage, tenant), public_id=id)
    instance = items.first() or messages_.first()
    if instance is None:
        raise Http404(id)
    return build_row(instance)


@require_safe
@tenant_view()
def show_incoming_item(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    row = get_row(tenant_user, id)
    outcome = load_outcome(row.item) if row.item else None
    deliveries = [delivery for delivery, _state in outcome.deliveries] if outcome else []
    context = {
        "tenant_user": tenant_user,
        "row": row,
        "lines": [build_log_row(delivery) for delivery in deliveries],
        "actions": list_possible_actions(ITEM_ACTIONS, row.item)
        if tenant_user.can_manage and row.item
        else (),
    }
    return render(request, "portal/incoming/item.html", context)


def get_item(tenant_user: TenantUser, id: UUID) -> InboundItem:
    """Return an item of the tenant. Raises Http404, also for a message without items."""
    item = get_row(tenant_user, id).item
    if item is None:
        raise Http404(id)
    return item


run_item_action = build_action_view(ActionPages(actions=ITEM_ACTIONS, find=get_item))
