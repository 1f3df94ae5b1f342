"""Admin of routes; a route can be tried before it is saved.

A route has an event type, a filter, an action, a connection and a mapping.
"""

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html

from connectors.registry import CONNECTORS
from hub.audit import ActorContext
from hub.connections.models import KillSwitch
from hub.db.clock import clock
from hub.outgoing.admin.preview import PreviewMixin
from hub.outgoing.forms.route_form import RouteForm
from hub.outgoing.insight.route_failures import count_route_failures
from hub.outgoing.models import Delivery, Route
from hub.outgoing.subscriptions.route_actions import add_route, change_route, delete_route
from hub.outgoing.subscriptions.route_switches import ROUTE_ACTIONS
from hub.staff import (
    ConnectorFilter,
    EmptyStep,
    ModelAdmin,
    OwnConnectorFilter,
    display,
    render_badge,
    render_page_link,
    render_time,
)
from tenants.admin.tenant_filter import TenantFilter
from tenants.scoping import ScopedAdminMixin


class OriginFilter(ConnectorFilter):
    """Filter routes by the system whose events they take."""

    title = "received from"
    parameter_name = "received_from"
    path = "origin_connector_key"


@admin.register(Route)
class RouteAdmin(PreviewMixin, ScopedAdminMixin, ModelAdmin):
    empty_text = (
        "A route sends the events of a type to a system. Without one, events are kept and go "
        "nowhere."
    )
    empty_step = EmptyStep("Add a route", "admin:outgoing_route_add", "outgoing.add_route")
    form = RouteForm
    list_before_template = "outgoing/route_chips.html"
    change_form_outer_before_template = "outgoing/route.html"
    list_display = (
        "name",
        "tenant_name",
        "event_type",
        "received_from",
        "target",
        "used_mapping",
        "status_badge",
        "last_delivery",
    )
    list_filter = (TenantFilter, OwnConnectorFilter, OriginFilter, "enabled")
    list_select_related = ("tenant", "connection", "mapping", "origin")
    search_fields = ("name__istartswith", "event_type__startswith", "public_id__exact")
    search_help_text = "The beginning of a name or an event type"
    ordering = ("-pk",)
    declared_actions = ROUTE_ACTIONS
    fieldsets = (
        (
            "When",
            {
                "fields": (
                    ("name", "enabled"),
                    ("tenant", "event_type"),
                    ("origin_connector_key", "origin"),
                    "filter",
                )
            },
        ),
        ("Do", {"fields": (("target", "connection"), "retry_schedule")}),
        ("With", {"fields": ("mapping", "body")}),
        (
            "Guarantees",
            {
                "fields": (("ordered", "order_key"), ("never_twice", "expires_after")),
                "classes": ("collapse",),
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        newest = Delivery.unscoped.filter(route=OuterRef("pk")).order_by("-pk")
        routes: QuerySet = (
            super()
            .get_queryset(request)
            .select_related("tenant", "connection", "mapping", "origin")
        )
        is_switched_off = Exists(KillSwitch.unscoped.filter(route=OuterRef("pk")))
        annotated: QuerySet = routes.annotate(
            last_at=Subquery(newest.values("accepted_at")[:1]), off=is_switched_off
        )
        return annotated

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Allow deletion of a route without deliveries only; other routes can be switched off."""
        return (
            obj is not None
            and super().has_delete_permission(request, obj)
            and not obj.deliveries.exists()
        )

    def list_context(self, request: HttpRequest) -> dict[str, Any]:
        return {"may_send": request.user.has_perm("outgoing.add_event")}

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        """Add the link to send a test event by a saved route."""
        if obj is not None and request.user.has_perm("outgoing.add_event"):
            context |= {
                "send_url": (
                    f"{reverse('admin:outgoing_event_send')}?{urlencode(_build_initial_event(obj))}"
                )
            }
        response: HttpResponse = super().render_change_form(
            request, context, add, change, form_url, obj
        )
        return response

    def page_context(self, request: HttpRequest, route: Route) -> dict[str, Any]:
        return (
            {"failures": count_route_failures(route)}
            if request.user.has_perm("outgoing.view_delivery")
            else {}
        )

    # --- columns ---

    @display(description="tenant", empty_value="all tenants")
    def tenant_name(self, route: Route) -> Any:
        return route.tenant.name if route.tenant else "all tenants"

    @display(description="received from")
    def received_from(self, route: Route) -> str:
        if route.origin:
            return str(route.origin)
        connector = CONNECTORS.get(route.origin_connector_key)
        return str(connector.label) if connector else "our application"

    @display(description="action")
    def target(self, route: Route) -> Any:
        connector = CONNECTORS.get(route.connector_key)
        where = (
            route.connection.name
            if route.connection
            else connector.label
            if connector
            else route.connector_key
        )
        return format_html(
            "{}<br><span class='hub-quiet'>{}</span>", _find_action_label(route), where
        )

    @display(description="mapping")
    def used_mapping(self, route: Route) -> Any:
        return render_page_link(route.mapping)

    @display(description="enabled")
    def status_badge(self, route: Any) -> Any:
        if route.off:
            return render_badge("held", "switched off")
        return (
            render_badge("active", "on")
            if route.enabled
            else render_badge("disabled", "not in use")
        )

    @display(description="last delivery")
    def last_delivery(self, route: Any) -> Any:
        return render_time(route.last_at) if route.last_at else "never"

    # --- saving ---

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        initial = {
            name: request.GET[name]
            for name in ("tenant", "event_type", "target", "name", "origin_connector_key")
            if name in request.GET
        }
        target = initial.get("target", "")
        initial["target"] = target if target in _list_targets() else ""
        return {"event_type": "order.created", **initial}

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save the route and a new version of its mapping, audited in one transaction."""
        obj.mapping = form.cleaned_data["mapping"]
        body, actor = form.cleaned_data["body"] or {}, ActorContext.of_request(request)
        save_route = change_route if change else add_route
        save_route(obj, body, actor, now=clock())

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        delete_route(obj, ActorContext.of_request(request), now=clock())


def _build_initial_event(route: Route) -> dict[str, str]:
    """Return the initial data of a test event for this route."""
    initial = {} if "*" in route.event_type else {"type": route.event_type}
    return initial | ({"tenant": route.tenant.reference} if route.tenant else {})


def _find_action_label(route: Route) -> str:
    try:
        return CONNECTORS[route.connector_key].action(route.action).label
    except LookupError:
        return route.action


def _list_targets() -> set[str]:
    return {
        f"{connector.key}.{action.key}"
        for connector in CONNECTORS.values()
        for action in connector.actions
    }
