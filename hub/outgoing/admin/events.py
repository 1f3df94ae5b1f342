"""Admin of events: what was accepted, the deliveries of each, and test events that staff send."""

from datetime import datetime
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch, Q, QuerySet, prefetch_related_objects
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html_join

from connectors.http import load_json
from hub.audit import ActorContext
from hub.db.clock import clock
from hub.mappings.json_fields import format_json_text
from hub.outgoing.forms.event_forms import EXAMPLE_ORDER, SendEventForm
from hub.outgoing.insight.bodies import build_display_body
from hub.outgoing.insight.explain import explain_event, readable_deliveries, resolve_effective_state
from hub.outgoing.insight.log_rows import build_log_row
from hub.outgoing.insight.search.conditions import match_events
from hub.outgoing.intake.staff_events import send_staff_event
from hub.outgoing.models import FINAL_STATES, Event, EventBody, Route
from hub.problems import show_refusal
from hub.reason_codes import REASONS
from hub.staff import (
    EmptyStep,
    EventTypeFilter,
    SinceFilter,
    build_since_chips,
    display,
    parse_number,
    render_badge,
    render_time,
)
from tenants.admin.read_only_admin import ReadOnlyAdmin
from tenants.admin.tenant_filter import TenantFilter
from tenants.forms import list_suggested_tenants
from tenants.models import Tenant, User
from tenants.scoping import accessible_tenants, changeable_rows, visible_rows

DELIVERIES_LIMIT = 100  # deliveries on the page of one event
STATES_LIMIT = 8  # of their states in the list


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    empty_text = (
        "Our application and connected systems send events. Send one yourself to see what "
        "becomes of it."
    )
    empty_step = EmptyStep("Send a test event", "admin:outgoing_event_send", "outgoing.add_event")
    page_template = "outgoing/event.html"
    live_template = "outgoing/event_live.html"
    list_before_template = "outgoing/event_chips.html"

    list_display = ("type", "customer", "sender_id", "source", "delivery_states", "age")
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
        return super().get_queryset(request).select_related("tenant", "origin")

    def match_search(self, request: HttpRequest, term: str) -> Q:
        return match_events(term, accessible_tenants(request.user))

    def list_context(self, request: HttpRequest) -> dict[str, Any]:
        return {
            "since_chips": build_since_chips(request),
            "may_send": self.can_send(request),
        }

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Return the changelist with the deliveries of its events, loaded by one more statement."""
        changes = super().get_changelist_instance(request)
        events = list(changes.result_list)
        prefetch_related_objects(events, Prefetch("deliveries", readable_deliveries()))
        changes.result_list = events
        return changes

    # --- columns ---

    @display(description="deliveries")
    def delivery_states(self, event: Event) -> Any:
        states = sorted(
            {resolve_effective_state(delivery).state for delivery in event.deliveries.all()}
        )
        return _render_badges(states[:STATES_LIMIT]) if states else REASONS["no_route"].sentence

    @display(description="accepted")
    def age(self, event: Event) -> str:
        return render_time(event.accepted_at)

    # --- its page ---

    def title_of(self, event: Event) -> str:
        return f"{event.type} of {event.tenant}"

    def live_context(self, event: Event, *, now: datetime) -> dict[str, Any]:
        deliveries = readable_deliveries().filter(event=event).order_by("pk")[:DELIVERIES_LIMIT]
        lines = [build_log_row(delivery) for delivery in deliveries]
        return {
            "event": event,
            "lines": lines,
            "checks": () if lines else explain_event(event),
            "ended": all(line.state in FINAL_STATES for line in lines),
        }

    def page_context(self, request: HttpRequest, event: Event) -> dict[str, Any]:
        event_body = EventBody.objects.filter(pk=event.pk).first()
        return {
            "body": event_body and build_display_body(event_body.body),
            "pruned": event_body is None,
            "may_send": self.can_send(request),
        }

    # --- a test event ---

    def can_send(self, request: HttpRequest) -> bool:
        return request.user.has_perm("outgoing.add_event")

    def send_view(self, request: HttpRequest) -> HttpResponse:
        if not self.can_send(request):
            raise PermissionDenied
        form = SendEventForm(
            request.POST or None, user=request.user, initial=self.get_initial_event(request)
        )
        if request.method == "POST" and form.is_valid() and (event := self.send(request, form)):
            messages.success(
                request, f"{event.type} has been accepted. This page shows its deliveries."
            )
            return HttpResponseRedirect(reverse("admin:outgoing_event_change", args=[event.pk]))
        request.current_app = self.admin_site.name
        context = {
            **self.admin_site.each_context(request),
            "title": "Send a test event",
            "opts": self.model._meta,
            "form": form,
            "tenants": list_suggested_tenants(request.user),
            "types": _list_routed_types(request.user),
            "media": self.media,
        }
        return TemplateResponse(request, "outgoing/send.html", context)

    def send(self, request: HttpRequest, form: SendEventForm) -> Event | None:
        data, now = form.cleaned_data, clock()
        if not changeable_rows(Tenant, request.user).filter(pk=data["tenant"].pk).exists():
            raise PermissionDenied
        with show_refusal(request, form):
            return send_staff_event(
                data["tenant"],
                data["type"],
                data["data"],
                sender_id=data["id"],
                actor=ActorContext.of_request(request),
                now=now,
            )
        return None

    def get_initial_event(self, request: HttpRequest) -> dict[str, Any]:
        """Return the initial data of the form: the event of ?like=, otherwise an example order."""
        event_id = parse_number(request.GET.get("like", ""))
        event = (
            self.get_queryset(request).filter(pk=event_id).first() if event_id is not None else None
        )
        if event is None:
            initial = {"type": "order.created", "data": format_json_text(EXAMPLE_ORDER)}
            return initial | {
                name: request.GET[name] for name in ("tenant", "type") if name in request.GET
            }
        event_body = EventBody.objects.filter(pk=event.pk).first()
        data = load_json(bytes(event_body.body))["data"] if event_body else EXAMPLE_ORDER
        return {
            "tenant": event.tenant.reference,
            "type": event.type,
            "data": format_json_text(data),
        }


def _list_routed_types(user: User | AnonymousUser) -> list[str]:
    """List the event types that routes name literally, without patterns."""
    patterns = (
        visible_rows(Route, user)
        .filter(enabled=True)
        .order_by("event_type")
        .values_list("event_type", flat=True)
    )
    exact = {pattern for pattern in patterns.distinct()[:200] if not pattern.endswith("*")}
    return sorted(exact | {"order.created"})


def _render_badges(states: list[str]) -> Any:
    return format_html_join(" ", "{}", ((render_badge(state),) for state in states))
