"""Events: what was told to the hub, what became of each, and a test event that staff send themselves."""

import json
from datetime import datetime
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch, QuerySet, prefetch_related_objects
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html_join

from hub.clock import clock
from hub.mappings.forms import pretty, suggested_tenants
from hub.outgoing.admin.deliveries import chips
from hub.outgoing.admin.lists import SPANS, EventTypeFilter, SinceFilter, TenantFilter
from hub.outgoing.admin.pages import ReadingAdmin
from hub.outgoing.bodies import body_of
from hub.outgoing.explain import explain_event, readable_deliveries, shown
from hub.outgoing.forms import ORDER, SendForm
from hub.outgoing.models import Event, EventBody, Route
from hub.outgoing.publish import EventConflict, publish
from hub.outgoing.replay import DONE
from hub.outgoing.search import events_by
from hub.staff import badge, display, moment, note
from hub.words import REASONS
from tenants.models import Tenant
from tenants.scoping import changeable_by, reach, visible_to

SHOWN_MOST = 100  # deliveries on the page of one event
LOOK_MOST = 8  # of their states in the list


@admin.register(Event)
class EventAdmin(ReadingAdmin):
    page_template = "outgoing/event.html"
    live_template = "outgoing/event_live.html"
    list_before_template = "outgoing/event_chips.html"

    list_display = ("type", "customer", "sender_id", "source", "became", "age")
    list_filter = (TenantFilter, EventTypeFilter, SinceFilter)
    list_select_related = ("tenant",)
    search_fields = ("public_id",)
    search_help_text = "The id of an event, ours or the sender's; exact"
    ordering = ("-pk",)
    sortable_by: ClassVar[tuple[str, ...]] = ()

    def get_urls(self) -> list[Any]:
        return [
            path("send/", self.admin_site.admin_view(self.send_view), name="outgoing_event_send"),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("tenant")

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        term = search_term.strip()
        return (queryset.filter(events_by(term, reach(request.user))) if term else queryset), False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        more = {
            "since_chips": chips(request, "since", [(key, key) for key in SPANS]),
            "may_send": self.may_send(request),
        }
        return super().changelist_view(request, {**more, **(extra_context or {})})

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The deliveries of the rows on this page, in one more statement."""
        changes = super().get_changelist_instance(request)
        rows = list(changes.result_list)
        prefetch_related_objects(rows, Prefetch("deliveries", readable_deliveries()))
        changes.result_list = rows
        return changes

    # --- columns ---

    @display(description="tenant")
    def customer(self, event: Event) -> str:
        return event.tenant.name

    @display(description="became")
    def became(self, event: Event) -> Any:
        states = sorted({shown(delivery).state for delivery in event.deliveries.all()})
        return badges(states[:LOOK_MOST]) if states else REASONS["no_route"].sentence

    @display(description="accepted")
    def age(self, event: Event) -> str:
        return moment(event.accepted_at)

    # --- its page ---

    def title_of(self, row: Any) -> str:
        return f"{row.type} of {row.tenant}"

    def live_context(self, row: Any, *, now: datetime) -> dict[str, Any]:
        rows = readable_deliveries().filter(event=row).order_by("pk")[:SHOWN_MOST]
        deliveries = [(delivery, shown(delivery)) for delivery in rows]
        return {
            "deliveries": deliveries,
            "checks": () if deliveries else explain_event(row),
            "ended": all(state.state in DONE for _, state in deliveries),
        }

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        kept = EventBody.objects.filter(pk=row.pk).first()
        return {"body": kept and body_of(kept.body), "pruned": kept is None, "may_send": self.may_send(request)}

    # --- a test event ---

    def may_send(self, request: HttpRequest) -> bool:
        return request.user.has_perm("outgoing.add_event")

    def send_view(self, request: HttpRequest) -> HttpResponse:
        if not self.may_send(request):
            raise PermissionDenied
        form = SendForm(request.POST or None, user=request.user, initial=self.first_words(request))
        if request.method == "POST" and form.is_valid() and (event := self.send(request, form)):
            messages.success(request, f"{event.type} was accepted. This is what becomes of it.")
            return HttpResponseRedirect(reverse("admin:outgoing_event_change", args=[event.pk]))
        request.current_app = self.admin_site.name
        context = {
            **self.admin_site.each_context(request),
            "title": "Send a test event",
            "opts": self.model._meta,
            "form": form,
            "tenants": suggested_tenants(request.user),
            "types": types_of(request.user),
            "media": self.media,
        }
        return TemplateResponse(request, "outgoing/send.html", context)

    def send(self, request: HttpRequest, form: SendForm) -> Event | None:
        said, now = form.cleaned_data, clock()
        if not changeable_by(Tenant, request.user).filter(pk=said["tenant"].pk).exists():
            raise PermissionDenied
        try:
            event = publish(said["tenant"], said["type"], said["data"], id=said["id"], source="staff", now=now)
        except EventConflict:
            form.add_error("id", "This id was told before, with other data. Take another, or none.")
            return None
        note(request, "event.send", event, now=now, after={"type": event.type, "sender_id": event.sender_id})
        return event

    def first_words(self, request: HttpRequest) -> dict[str, Any]:
        """An order, or what an event that is named by ?like= said."""
        like = request.GET.get("like", "")
        event = self.get_queryset(request).filter(pk=like).first() if like.isdigit() and len(like) < 19 else None
        if event is None:
            first = {"type": "order.created", "data": pretty(ORDER)}
            return first | {name: request.GET[name] for name in ("tenant", "type") if name in request.GET}
        kept = EventBody.objects.filter(pk=event.pk).first()
        data = json.loads(bytes(kept.body))["data"] if kept else ORDER
        return {"tenant": event.tenant.reference, "type": event.type, "data": pretty(data)}


def types_of(user: Any) -> list[str]:
    """The event types that routes are waiting for, as far as they name one."""
    patterns = visible_to(Route, user).filter(enabled=True).order_by("event_type").values_list("event_type", flat=True)
    exact = {pattern for pattern in patterns.distinct()[:200] if not pattern.endswith("*")}
    return sorted(exact | {"order.created"})


def badges(states: list[str]) -> Any:
    return format_html_join(" ", "{}", ((badge(state),) for state in states))
