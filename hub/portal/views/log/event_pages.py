"""The log of events and deliveries, filtered by the URL; the page of an event; the export."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from hub.audit import ActorContext
from hub.db.clock import clock
from hub.outgoing.insight.bodies import build_display_body
from hub.outgoing.insight.explain import explain_event, readable_deliveries
from hub.outgoing.insight.log_rows import build_log_row
from hub.outgoing.models import Event, EventBody
from hub.portal.display_preferences import resolve_display_zone
from hub.portal.log.export import EXPORT_FORMATS, MAX_ROWS, export_log
from hub.portal.log.filter_chips import build_filter_chips, build_query_string, list_preset_views
from hub.portal.log.pages import Cursor, Limits, build_page, count_new_rows, parse_cursor
from hub.portal.log.query import LogQuery, parse_log_query
from hub.portal.log.saved_views import extract_log_filters, list_saved_views
from hub.portal.views.etag import respond_if_modified
from hub.staff import reauthentication_redirect
from tenants.access.tenant_users import TenantUser, tenant_view

MAX_NEW_ROWS = 100  # new rows; above it the page shows "more"
ROWS_POLLED = 10_000  # of the new rows, those that filters without an index examine
MAX_DELIVERIES = 100  # deliveries on the page of one event


def parse_request_query(request: HttpRequest, tenant_user: TenantUser) -> LogQuery:
    return parse_log_query(
        request.GET.dict(), tenant_user.tenant, resolve_display_zone(request), now=clock()
    )


@require_safe
@tenant_view()
def show_log(request: HttpRequest, tenant_user: TenantUser) -> HttpResponse:
    log_query, cursor = parse_request_query(request, tenant_user), parse_cursor(request.GET)
    data, page = request.GET.dict(), build_page(tenant_user.tenant, log_query, cursor)
    first = page.rows[0].public_id if page.rows and cursor == Cursor() else None
    context: dict[str, Any] = {
        "tenant_user": tenant_user,
        "form": log_query.form,
        "lines": [build_log_row(delivery_or_event) for delivery_or_event in page.rows],
        "chips": build_filter_chips(log_query, data, resolve_display_zone(request)),
        "views": list_preset_views(log_query),
        "saved": list_saved_views(tenant_user.tenant),
        "narrowed_to": extract_log_filters(build_query_string(data)[1:]),
        "newer": build_query_string(data, before=page.newer) if page.newer else "",
        "older": build_query_string(data, after=page.older) if page.older else "",
        "cut": page.is_incomplete,
        "looked": Limits().rows_scanned,
        "query": build_query_string(data),
        "new_url": reverse("portal:events_new", args=[tenant_user.tenant.reference])
        + build_query_string(data, after=first),
        "can_follow": cursor == Cursor()
        and "until" not in log_query.data
        and not log_query.reads_bodies,
        "follows": data.get("live") != "off",
        "live_query": build_query_string(
            data, without=("live",), live="" if data.get("live") == "off" else "off"
        ),
        "api_filters": log_query.to_api_query(now=clock()),
        "api_lacks": log_query.is_page_only,
        "all_query": urlencode(log_query.to_operation_filter(now=clock()) or {})
        if tenant_user.can_manage
        else "",
        "rows_most": MAX_ROWS,
    }
    return render(request, "portal/log/events.html", context)


@require_safe
@tenant_view()
def show_new_rows(request: HttpRequest, tenant_user: TenantUser) -> HttpResponse:
    """Show how many rows were added since the page was rendered, at most MAX_NEW_ROWS + 1.

    Pages poll this view, so it must be cheap.
    """
    log_query, newest = parse_request_query(request, tenant_user), parse_cursor(request.GET).after
    count, is_incomplete = count_new_rows(
        tenant_user.tenant, log_query, newest, Limits(rows_scanned=ROWS_POLLED), MAX_NEW_ROWS
    )
    context = {
        "count": count,
        "most": MAX_NEW_ROWS,
        "looked": ROWS_POLLED if is_incomplete and count <= MAX_NEW_ROWS else None,
        "query": build_query_string(request.GET.dict()),
    }
    return respond_if_modified(request, render(request, "portal/log/new.html", context))


@require_safe
@tenant_view(shown_to_support=False)
def export_log_view(request: HttpRequest, tenant_user: TenantUser, kind: str) -> HttpResponseBase:
    if kind not in EXPORT_FORMATS:
        raise Http404(kind)
    if (
        tenant_user.user
        and tenant_user.user.is_staff
        and (redirect := reauthentication_redirect(request))
    ):
        return redirect
    log_query = parse_request_query(request, tenant_user)
    lines = export_log(
        tenant_user.tenant,
        log_query,
        kind,
        ActorContext.of_visitor(request, tenant_user),
        now=clock(),
    )
    response = StreamingHttpResponse(lines, content_type=EXPORT_FORMATS[kind].content_type)
    response["Content-Disposition"] = f'attachment; filename="events.{kind}"'
    response["Cache-Control"] = "no-store"
    return response


@require_safe
@tenant_view()
def show_event(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    event = (
        Event.objects.of(tenant_user.tenant)
        .select_related("tenant", "origin")
        .filter(public_id=id)
        .first()
    )
    if event is None:
        raise Http404(id)
    stored_body = EventBody.objects.filter(pk=event.pk).first()
    deliveries = readable_deliveries().filter(event=event).order_by("pk")[:MAX_DELIVERIES]
    lines = [build_log_row(delivery) for delivery in deliveries]
    with timezone.override(resolve_display_zone(request)):
        checks = () if lines else explain_event(event)
    context = {
        "tenant_user": tenant_user,
        "event": event,
        "body": stored_body and build_display_body(stored_body.body),
        "pruned": stored_body is None,
        "lines": lines,
        "checks": checks,
        "live_template": "portal/log/event_live.html",
    }
    return render(request, "portal/log/event.html", context)
