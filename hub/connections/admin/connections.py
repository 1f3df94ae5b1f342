"""Staff pages of connections: the list, and the page of one."""

from typing import Any, ClassVar, cast

from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.forms import Media
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.timezone import get_current_timezone

from connectors.registry import CONNECTORS, find_connector_label
from hub import staff
from hub.audit import ActorContext
from hub.connections.actions import connection_actions, maintenance
from hub.connections.actions.queued_tests import can_be_tested
from hub.connections.admin.connection_form_pages import ConnectionFormsMixin
from hub.connections.forms.connection_forms import ConnectionForm
from hub.connections.models import Connection
from hub.connections.status.backlog import measure_backlog
from hub.connections.status.connection_page import build_connection_context, list_last_notices
from hub.connections.status.effective_status import determine_effective_state
from hub.connections.status.expiry_forecast import FORECAST_PERIOD, list_expiring_connections
from hub.connections.status.quota_usage import list_named_quota_usage
from hub.db.clock import clock
from hub.reason_codes import find_reason
from hub.throttle.admin import ConnectorFilter
from tenants.scoping import ScopedAdminMixin, visible_rows

FORM_FRAME = "console/form_subject.html"  # above the form, the body of the customers' page
PAGE_ASSETS = Media(css={"all": ["portal/parts.css"]}, js=["portal/parts.js"])
SUGGESTED_ACTIONS_BY_STATE = {
    "needs_reconnect": "credential",
    "degraded": "credential",
    "paused": "resume",
    "disabled": "enable",
}
DELIVERIES_SHOWN = 10
DELIVERIES_SEARCHED = 1000  # newest deliveries of the tenant that are searched


def find_last_deliveries(connection: Connection) -> list[Any]:
    """Find the connection's last deliveries among the newest of its tenant.

    The index of the tenant is used, as the table may be huge.
    """
    if connection.tenant is None:
        return []
    newest = connection.tenant.deliveries.order_by("-id").values("pk")[:DELIVERIES_SEARCHED]
    deliveries = (
        connection.deliveries.filter(pk__in=newest)
        .select_related("event", "tenant", "route", "connection__lane")
        .order_by("-id")
    )
    return list(deliveries[:DELIVERIES_SHOWN])


class ConnectionAdminBase(
    ConnectionFormsMixin,
    ScopedAdminMixin,
    staff.ModelAdmin,
):
    """Base of the connections' admin. `hub.outgoing.admin` adds the declared actions."""

    form = ConnectionForm
    list_display = (
        "label",
        "tenant_link",
        "system",
        "condition",
        "reason_text",
        "state_since",
        "last_served",
    )
    list_filter = (("state", staff.ChoicesFilter), ConnectorFilter, ("tenant", staff.RelatedFilter))
    list_select_related = ("tenant", "lane")
    search_fields = ("public_id", "account", "^name")
    search_help_text = "One of our IDs or the system's IDs, or the beginning of a name."
    ordering = ("-state_changed_at",)
    fields = ("name", "in_flight")
    row_actions: ClassVar[tuple[str, ...]] = ("credential",)
    change_form_outer_before_template = "console/connection.html"

    @property
    def media(self) -> Media:
        media: Media = super().media + PAGE_ASSETS
        return media

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # deliveries refer to it; it is disabled instead

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.fields if self.has_change_permission(request, obj) else ("name",)

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        """Rename the connection and limit its calls, by the functions that REST calls."""
        connection, actor, now = cast(Connection, obj), ActorContext.of_request(request), clock()
        data = form.cleaned_data
        if "name" in form.changed_data:
            connection.name = form.initial["name"]
            connection_actions.rename_connection(connection, data["name"], actor, now=now)
        if "in_flight" in form.changed_data:
            connection_actions.limit_calls_in_flight(connection, data["in_flight"], actor, now=now)

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.forecast_view)
        return [
            path("forecast/", view, name="connections_connection_forecast"),
            *super().get_urls(),
        ]

    def forecast_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return render_forecast_page(self, request)

    # --- the list, and the page of a connection ---

    def page_context(self, request: HttpRequest, connection: Connection) -> dict[str, Any]:
        if connection.connector_key not in CONNECTORS:  # another release had this connector
            return {"frame_template": FORM_FRAME}
        if request.method == "GET":
            connection_actions.audit_support_visit(
                connection, ActorContext.of_request(request), now=clock()
            )
        now, has_permission = clock(), request.user.has_perm
        window = maintenance.find_connection_window(connection, now=now)
        sees_deliveries = has_permission("outgoing.view_delivery")
        sees_notices = has_permission("notices.view_notice")
        return {
            **build_connection_context(connection, window, now=now),
            "frame_template": FORM_FRAME,
            "zone": get_current_timezone(),
            "own_reason": self.reason(connection),
            "maintenance": window,
            "waiting": measure_backlog(connection, now=now) if sees_deliveries else None,
            "notices": list_last_notices(connection) if sees_notices else None,
            "gauges": list_named_quota_usage(connection, now=now),
            "deliveries": find_last_deliveries(connection) if sees_deliveries else (),
            "routes": connection.routes.order_by("name")[:20]
            if has_permission("outgoing.view_route")
            else (),
        }

    def reason(self, connection: Connection) -> Any:
        has_own_reason = connection.reason not in ("", connection.state)
        return (
            find_reason(connection.reason, system=connection.connector.label)
            if has_own_reason
            else None
        )

    def suggested_action(self, connection: Connection) -> str:
        if connection.is_disconnected:
            return "credential"
        if connection.state == "needs_reconnect" and connection.connector.needs_oauth:
            return "reconnect_link"
        default = "test" if can_be_tested(connection) else "credential"
        return SUGGESTED_ACTIONS_BY_STATE.get(connection.state, default)

    @staff.display(description="connection", ordering="name")
    def label(self, connection: Connection) -> str:
        return str(connection)

    @staff.display(description="tenant")
    def tenant_link(self, connection: Connection) -> str:
        return staff.render_page_link(connection.tenant) if connection.tenant else "Platform"

    @staff.display(description="system", ordering="connector_key")
    def system(self, connection: Connection) -> str:
        return find_connector_label(connection.connector_key)

    @staff.display(description="state", ordering="state")
    def condition(self, connection: Connection) -> str:
        return staff.render_badge(determine_effective_state(connection))

    @staff.display(description="reason")
    def reason_text(self, connection: Connection) -> str:
        return (
            find_reason(connection.reason, system=self.system(connection)).sentence
            if connection.reason
            else "–"
        )

    @staff.display(description="since", ordering="state_changed_at")
    def state_since(self, connection: Connection) -> str:
        return staff.render_time(connection.state_changed_at)

    @staff.display(description="last used")
    def last_served(self, connection: Connection) -> str:
        return (
            staff.render_time(connection.lane.virtual_time) if hasattr(connection, "lane") else "–"
        )


def render_forecast_page(page: staff.ModelAdmin, request: HttpRequest) -> HttpResponse:
    """Render the forecast within `page`, a page of the connections' admin."""
    expiring = list_expiring_connections(visible_rows(Connection, request.user), now=clock())
    rows = [(entry, entry.reason_text, entry.connection.connector.label) for entry in expiring]
    return page.page(
        request,
        "console/forecast.html",
        rows=rows,
        days=FORECAST_PERIOD.days,
        title="Expiring soon",
    )
