"""The log: what happened, what became of it, narrowed by the address; an event's page; the log as a file."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from hub.clock import clock
from hub.outgoing.bodies import body_of
from hub.outgoing.explain import explain_event, readable_deliveries
from hub.outgoing.models import Event, EventBody
from hub.portal.log.asked import Asked, asked_of
from hub.portal.log.chips import chips_of, query_of, views_of
from hub.portal.log.export import ROWS_MOST, WAYS, exported
from hub.portal.log.lines import line_of
from hub.portal.log.pages import Cursor, Limits, cursor_of, page_of, rows_of
from hub.portal.log.saved import narrowing, saved_of
from hub.portal.look import zone_of
from hub.portal.views.acts import note, unless_known
from hub.staff import way_to_reauthenticate
from tenants.visitors import Visitor, for_visitors

COUNTED = 100  # new rows; beyond that it is "more"
SHOWN_MOST = 100  # deliveries on the page of one event


def asked_by(request: HttpRequest, visitor: Visitor) -> Asked:
    return asked_of(request.GET.dict(), visitor.tenant, zone_of(request), now=clock())


@require_safe
@for_visitors()
def events(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    asked, cursor = asked_by(request, visitor), cursor_of(request.GET)
    data, page = request.GET.dict(), page_of(visitor.tenant, asked, cursor)
    first = page.rows[0].public_id if page.rows and cursor == Cursor() else None
    context: dict[str, Any] = {
        "visitor": visitor,
        "form": asked.form,
        "lines": [line_of(row) for row in page.rows],
        "chips": chips_of(asked, data, zone_of(request)),
        "views": views_of(asked),
        "saved": saved_of(visitor.tenant),
        "narrowed_to": narrowing(query_of(data)[1:]),
        "newer": query_of(data, before=page.newer) if page.newer else "",
        "older": query_of(data, after=page.older) if page.older else "",
        "cut": page.cut,
        "looked": Limits().looked,
        "query": query_of(data),
        "new_url": reverse("portal:events_new", args=[visitor.tenant.reference]) + query_of(data, after=first),
        "can_follow": cursor == Cursor() and "until" not in asked.said and not asked.opens_events,
        "follows": data.get("live") != "off",
        "live_query": query_of(data, without=("live",), live="" if data.get("live") == "off" else "off"),
        "api_asks": asked.for_api(now=clock()),
        "api_lacks": asked.only_here,
        "all_query": urlencode(asked.for_operation(now=clock()) or {}) if visitor.may_manage else "",
        "rows_most": ROWS_MOST,
    }
    return render(request, "portal/log/events.html", context)


@require_safe
@for_visitors()
def new(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """How many rows came since the page was made; asked for again and again, so it costs little."""
    asked, newest = asked_by(request, visitor), cursor_of(request.GET).after
    rows = rows_of(visitor.tenant, asked).filter(asked.narrowed_by or Q())
    if newest:
        rows = rows.filter(public_id__gt=newest)
    count = rows.order_by().values("pk")[: COUNTED + 1].count()
    context = {"count": count, "most": COUNTED, "query": query_of(request.GET.dict())}
    return unless_known(request, render(request, "portal/log/new.html", context))


@require_safe
@for_visitors()
def export(request: HttpRequest, visitor: Visitor, kind: str) -> HttpResponseBase:
    if kind not in WAYS:
        raise Http404(kind)
    if visitor.user and visitor.user.is_staff and (way := way_to_reauthenticate(request)):
        return way
    asked, (write, content_type) = asked_by(request, visitor), WAYS[kind]
    told = {name: str(value) for name, value in asked.said.items()}
    note(request, visitor, "deliveries.export", visitor.tenant, now=clock(), after={"kind": kind, **told})
    answer = StreamingHttpResponse(write(exported(visitor.tenant, asked)), content_type=content_type)
    answer["Content-Disposition"] = f'attachment; filename="events.{kind}"'
    answer["Cache-Control"] = "no-store"
    return answer


@require_safe
@for_visitors()
def event(request: HttpRequest, visitor: Visitor, id: UUID) -> HttpResponse:
    row = Event.objects.of(visitor.tenant).select_related("tenant").filter(public_id=id).first()
    if row is None:
        raise Http404(id)
    kept = EventBody.objects.filter(pk=row.pk).first()
    deliveries = readable_deliveries().filter(event=row).order_by("pk")[:SHOWN_MOST]
    lines = [line_of(delivery) for delivery in deliveries]
    with timezone.override(zone_of(request)):
        checks = () if lines else explain_event(row)
    context = {
        "visitor": visitor,
        "event": row,
        "body": kept and body_of(kept.body),
        "pruned": kept is None,
        "lines": lines,
        "checks": checks,
    }
    return render(request, "portal/log/event.html", context)
