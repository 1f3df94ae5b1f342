"""Routes: when this event (and filter), do this action there, with this mapping; tried before it is saved."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html

from connectors.registry import CONNECTORS
from hub.clock import clock
from hub.connections.forms import PauseForm, until
from hub.connections.models import KillSwitch
from hub.connections.switch import AlreadyOff, switch_off, switch_on
from hub.mappings.models import FieldMapping
from hub.mappings.revise import revise
from hub.outgoing.admin.lists import OwnConnectorFilter, TenantFilter
from hub.outgoing.admin.preview import PreviewMixin
from hub.outgoing.forms import RouteForm
from hub.outgoing.models import Delivery, Route
from hub.outgoing.refusals import refusals_of
from hub.queue import ring
from hub.staff import Declined, Done, ModelAdmin, badge, display, moment, note, page_link, verb
from tenants.scoping import ScopedAdminMixin


@admin.register(Route)
class RouteAdmin(PreviewMixin, ScopedAdminMixin, ModelAdmin):
    form = RouteForm
    list_before_template = "outgoing/route_chips.html"
    change_form_outer_before_template = "outgoing/route.html"
    list_display = ("name", "whose", "event_type", "target", "used_mapping", "switched", "last_delivery")
    list_filter = (TenantFilter, OwnConnectorFilter, "enabled")
    list_select_related = ("tenant", "connection", "mapping")
    search_fields = ("name__istartswith", "event_type__startswith", "public_id__exact")
    search_help_text = "The beginning of a name or an event type"
    ordering = ("-pk",)
    verbs = ("off", "on")
    fieldsets = (
        ("When", {"fields": (("name", "enabled"), ("tenant", "event_type"), "filter")}),
        ("Do", {"fields": (("target", "connection"), "retry_schedule")}),
        ("With", {"fields": ("mapping", "body")}),
        (
            "Guarantees",
            {"fields": (("ordered", "order_key"), ("never_twice", "expires_after")), "classes": ("collapse",)},
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        newest = Delivery.unscoped.filter(route=OuterRef("pk")).order_by("-pk")
        rows = super().get_queryset(request).select_related("tenant", "connection", "mapping")
        off = Exists(KillSwitch.unscoped.filter(route=OuterRef("pk")))
        return rows.annotate(last_at=Subquery(newest.values("accepted_at")[:1]), off=off)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What was sent names its route for as long as it is kept: switch it off instead."""
        return obj is not None and super().has_delete_permission(request, obj) and not obj.deliveries.exists()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        more = {"may_send": request.user.has_perm("outgoing.add_event")}
        return super().changelist_view(request, {**more, **(extra_context or {})})

    def render_change_form(self, request: HttpRequest, context: Any, **kwargs: Any) -> HttpResponse:
        """A saved route can be tried for real, too."""
        route = kwargs.get("obj")
        if route is not None and request.user.has_perm("outgoing.add_event"):
            context |= {"send_url": f"{reverse('admin:outgoing_event_send')}?{urlencode(first_words(route))}"}
        return super().render_change_form(request, context, **kwargs)

    def around(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        return {"refusals": refusals_of(row)} if request.user.has_perm("outgoing.view_delivery") else {}

    # --- columns ---

    @display(description="tenant", empty_value="all tenants")
    def whose(self, route: Route) -> Any:
        return route.tenant.name if route.tenant else "all tenants"

    @display(description="does")
    def target(self, route: Route) -> Any:
        connector = CONNECTORS.get(route.connector_key)
        where = route.connection.name if route.connection else connector.label if connector else route.connector_key
        return format_html("{}<br><span class='hub-quiet'>{}</span>", action_label(route), where)

    @display(description="mapping")
    def used_mapping(self, route: Route) -> Any:
        return page_link(route.mapping)

    @display(description="enabled")
    def switched(self, route: Route) -> Any:
        if route.off:
            return badge("held", "switched off")
        return badge("active", "on") if route.enabled else badge("disabled", "not in use")

    @display(description="last delivery")
    def last_delivery(self, route: Route) -> Any:
        return moment(route.last_at) if route.last_at else "never"

    # --- switching ---

    @verb(
        "Switch off",
        icon="power_settings_new",
        when=lambda route: not route.off,
        form=PauseForm,
        asks="Nothing goes by this route. What it takes meanwhile is held, and goes when it is switched on.",
        tone="danger",
    )
    def off(self, request: HttpRequest, row: Route, said: dict[str, Any], *, now: datetime) -> Done:
        end = until(said, now)
        switch = KillSwitch(scope="route", route=row, tenant=row.tenant, reason=said["reason"], expires_at=end)
        try:
            switch_off(switch, by=request.user, now=now)
        except AlreadyOff as already:
            raise Declined(f"{already}.") from None
        return Done("Switched off.", after={"off": True, "until": end})

    @verb("Switch on", icon="play_arrow", when=lambda route: route.off, tone="primary")
    def on(self, request: HttpRequest, row: Route, said: dict[str, Any], *, now: datetime) -> Done:
        for switch in KillSwitch.unscoped.filter(scope="route", route=row):
            switch_on(switch, now=now)
        return Done("Switched on; what was held goes out now.", before={"off": True})

    # --- saving ---

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        known = {name: request.GET[name] for name in ("tenant", "event_type", "target", "name") if name in request.GET}
        known["target"] = known.get("target") if known.get("target") in targets() else ""
        return {"event_type": "order.created", **known}

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """One transaction: the route, the new version of its mapping, their audit rows, and the bell."""
        now = clock()
        obj.mapping = form.cleaned_data["mapping"] or self.new_mapping(obj)
        obj.changed_at = now
        obj.target, obj.body = form.cleaned_data["target"], None  # what the audit tells beside the columns
        version = revise(obj.mapping, form.cleaned_data["body"] or {}, by=request.user, now=now)
        super().save_model(request, obj, form, change)
        if version:
            note(
                request,
                "fieldmapping.revise",
                obj.mapping,
                now=now,
                after={"version": version.number, "body": version.body},
            )
        ring("drain", now=now)

    def new_mapping(self, route: Any) -> FieldMapping:
        return FieldMapping.unscoped.create(
            tenant=route.tenant,
            name=f"Mapping of {route.name}"[:200],
            connector_key=route.connector_key,
            action=route.action,
        )


def first_words(route: Route) -> dict[str, str]:
    """What a test event for this route begins with."""
    named = {} if "*" in route.event_type else {"type": route.event_type}
    return named | ({"tenant": route.tenant.reference} if route.tenant else {})


def action_label(route: Route) -> str:
    try:
        return CONNECTORS[route.connector_key].action(route.action).label
    except LookupError:
        return route.action


def targets() -> set[str]:
    return {f"{connector.key}.{action.key}" for connector in CONNECTORS.values() for action in connector.actions}
