"""Deliveries: what waits, what arrived, why one did not, and what a person can do about it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html

from hub.outgoing import replay
from hub.outgoing.admin.lists import (
    SPANS,
    ConnectorFilter,
    ReasonFilter,
    SinceFilter,
    StateFilter,
    TenantFilter,
)
from hub.outgoing.admin.operations import planning_url, url_for_all
from hub.outgoing.admin.pages import ReadingAdmin
from hub.outgoing.admin.remedies import remedy
from hub.outgoing.explain import Shown, explain, shown
from hub.outgoing.forms import WhyForm
from hub.outgoing.models import Delivery
from hub.outgoing.replay import DONE
from hub.outgoing.search import deliveries_by
from hub.outgoing.timeline import timeline
from hub.staff import Declined, Done, badge, display, moment, verb
from hub.states import WrongState
from tenants.scoping import reach

SIBLINGS_MOST = 50
UNSURE = "unknown_effect"


@admin.register(Delivery)
class DeliveryAdmin(ReadingAdmin):
    page_template = "outgoing/delivery.html"
    live_template = "outgoing/delivery_live.html"
    list_before_template = "outgoing/delivery_chips.html"
    verbs = ("retry", "retry_unsure", "send_again", "skip", "cancel")

    actions = ("work_on",)
    list_display = ("shown_state", "why", "event_type", "customer", "target", "tries", "age")
    list_filter = (StateFilter, ReasonFilter, ConnectorFilter, TenantFilter, SinceFilter)
    list_select_related = ("event", "tenant", "route", "connection__lane")
    search_fields = ("public_id",)
    search_help_text = "The id of a delivery or an event, a msg_ id, or the sender's id; exact"
    list_display_links = ("shown_state", "why", "event_type")
    ordering = ("-pk",)
    sortable_by: ClassVar[tuple[str, ...]] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("event", "route__mapping", "tenant", "connection__lane")

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        term = search_term.strip()
        return (queryset.filter(deliveries_by(term, reach(request.user))) if term else queryset), False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        shortcuts = {
            "state_chips": chips(request, "state", [(value, label.lower()) for value, label in Delivery.State.choices]),
            "since_chips": chips(request, "since", [(key, key) for key in SPANS]),
        }
        shortcuts["all_url"] = url_for_all(request) if self.may_operate(request) else ""
        return super().changelist_view(request, {**shortcuts, **(extra_context or {})})

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return super().get_actions(request) if self.may_operate(request) else {}

    def may_operate(self, request: HttpRequest) -> bool:
        return request.user.has_perm("outgoing.change_delivery")

    @admin.action(description="Retry, send again, cancel or skip…")
    def work_on(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse:
        """To the form where it is planned."""
        if request.POST.get("select_across") == "1" and (url := url_for_all(request)):
            return HttpResponseRedirect(url)
        ids = queryset.values_list("public_id", flat=True)[: self.list_per_page]
        return HttpResponseRedirect(planning_url({"deliveries": " ".join(str(id) for id in ids)}))

    # --- columns ---

    @display(description="state")
    def shown_state(self, delivery: Delivery) -> str:
        return badge(shown(delivery).state)

    @display(description="why")
    def why(self, delivery: Delivery) -> str:
        state = shown(delivery)
        return state.sentence if state.reason else ""

    @display(description="event")
    def event_type(self, delivery: Delivery) -> str:
        """With the id that the sender gave it, by which people on both sides name it."""
        return format_html('{}<br><span class="hub-quiet">{}</span>', delivery.event.type, delivery.event.sender_id)

    @display(description="tenant")
    def customer(self, delivery: Delivery) -> str:
        return delivery.tenant.name

    @display(description="to")
    def target(self, delivery: Delivery) -> str:
        return str(delivery.connection) if delivery.connection else f"{delivery.route.connector_key} (not connected)"

    @display(description="tries")
    def tries(self, delivery: Delivery) -> int:
        return delivery.attempt_count

    @display(description="accepted")
    def age(self, delivery: Delivery) -> str:
        return moment(delivery.accepted_at)

    # --- its page ---

    def title_of(self, row: Any) -> str:
        return f"{row.event.type} to {row.connection or row.route.connector_key}"

    def live_context(self, row: Any, *, now: datetime) -> dict[str, Any]:
        told = explain(row, now=now)
        arrived = told.shown.state == "delivered"
        return {
            "state": told.shown,
            "steps": timeline(row),
            "checks": [check for check in told.checks if check.passed or not arrived],
            "cause": None if arrived else told.stopped_by,
            "ended": told.shown.state in DONE,
        }

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        siblings = self.get_queryset(request).filter(event=row.event_id).exclude(pk=row.pk).order_by("pk")
        return {
            "remedy": remedy(row, shown(row)),
            "siblings": [(sibling, shown(sibling)) for sibling in siblings[:SIBLINGS_MOST]],
            "curl": f'curl -H "Authorization: Bearer $HUB_KEY" {api_url(row)}',
        }

    # --- what can be done ---

    def first_verb(self, row: Any) -> str:
        return "retry" if row.state == "failed" else ""

    @verb("Retry now", icon="refresh", when=lambda row: replay.can_retry(row) and row.reason != UNSURE)
    def retry(self, request: HttpRequest, row: Any, said: dict[str, Any], *, now: datetime) -> Done:
        before = row.state
        try:
            replay.retry(row, now=now)
        except WrongState:
            raise Declined(f"It cannot go as long as its cause stands. {shown(row).sentence}") from None
        return Done(retried(shown(row)), {"state": before}, {"state": row.state})

    @verb(
        "Retry although it may have arrived",
        icon="refresh",
        when=lambda row: replay.can_retry(row) and row.reason == UNSURE,
        form=WhyForm,
        asks="It may have arrived there already, and this system cannot be told that it is the same. Look there first: "
        "where it has arrived, cancel it here instead.",
        tone="danger",
    )
    def retry_unsure(self, request: HttpRequest, row: Any, said: dict[str, Any], *, now: datetime) -> Done:
        return self.retry(request, row, said, now=now)

    @verb(
        "Send again",
        icon="forward",
        when=lambda row: row.state in DONE and row.connection_id,
        form=WhyForm,
        asks="A new delivery is made by the filter, the mapping and the settings of today. It goes under the same id: "
        "a system that knows the id takes it once, any other may show it twice.",
    )
    def send_again(self, request: HttpRequest, row: Any, said: dict[str, Any], *, now: datetime) -> Done:
        try:
            again = replay.send_again(row, now=now)
        except WrongState:
            raise Declined("It cannot be sent again: its event is no longer kept, or somebody was first.") from None
        page = HttpResponseRedirect(self.row_url(again))
        return Done(
            "This is the new delivery.", after={"delivery": again.public_id, "replay": again.replay_number}, page=page
        )

    @verb(
        "Cancel",
        icon="close",
        when=lambda row: row.state in ("waiting", "held"),
        form=WhyForm,
        asks="It is not sent. It can be retried later.",
        tone="danger",
    )
    def cancel(self, request: HttpRequest, row: Any, said: dict[str, Any], *, now: datetime) -> Done:
        before = row.state
        replay.cancel(row, now=now)
        return Done("It is cancelled.", {"state": before}, {"state": row.state})

    @verb(
        "Skip",
        icon="redo",
        when=replay.can_skip,
        form=WhyForm,
        asks="It is left aside for good, and what an ordered route keeps behind it goes on. It can be sent again.",
    )
    def skip(self, request: HttpRequest, row: Any, said: dict[str, Any], *, now: datetime) -> Done:
        before = row.state
        replay.skip(row, now=now)
        return Done("It is skipped.", {"state": before}, {"state": row.state})


def retried(state: Shown) -> str:
    held = f"It is due now, and goes as soon as its cause is gone: {state.sentence}"
    return held if state.state == "held" else "It goes again now."


def api_url(delivery: Delivery) -> str:
    return settings.HUB_PUBLIC_URL + reverse("delivery", args=[delivery.public_id])


def chips(request: HttpRequest, name: str, values: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    """Links that narrow the list and keep what narrows it already; the first lifts this one."""
    now = request.GET.get(name, "")
    found = []
    for value, label in [("", "all"), *values]:
        query = request.GET.copy()
        query.pop("p", None)
        query.pop(name, None)
        if value:
            query[name] = value
        found.append({"label": label, "value": value, "url": f"?{query.urlencode()}", "on": now == value})
    return found
