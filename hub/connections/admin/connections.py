"""Staff pages of connections: connect, test, pause, resume, disable, disconnect, update."""

import secrets
from datetime import datetime
from typing import Any, cast

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path
from django.views.decorators.debug import sensitive_variables

from connectors.base import Connector
from connectors.registry import CONNECTORS
from hub import egress, staff
from hub.audit import ActorContext
from hub.connections.actions import connection_actions, maintenance
from hub.connections.actions.disconnection import cancel_waiting_deliveries, disconnect_account
from hub.connections.actions.queued_tests import queue_connection_test
from hub.connections.admin import panels
from hub.connections.admin.expiry_forecast import render_forecast_page
from hub.connections.admin.reconnect_links import ReconnectLinkMixin
from hub.connections.connecting.by_form import connect_with_form, update_with_form
from hub.connections.connecting.form_results import (
    Connected,
    ConnectionTestFailed,
    FormInput,
    FormResult,
)
from hub.connections.credentials import probe_checklist
from hub.connections.credentials.probe import PROBES_BUSY
from hub.connections.forms.connection_forms import (
    ConnectForm,
    ConnectionForm,
    CredentialForm,
    DisconnectForm,
    PauseForm,
    compute_pause_end,
)
from hub.connections.models import Connection
from hub.connections.status.backlog import measure_backlog
from hub.connections.status.credential_timeline import draw_credential_timeline
from hub.connections.status.effective_status import (
    determine_effective_state,
    find_stopping_switches,
)
from hub.connections.status.quota_usage import list_quota_usage
from hub.db.clock import clock
from hub.operations.operation_actions import OperationRefused
from hub.reason_codes import find_reason
from hub.state_texts import CONNECTION_STATES
from hub.throttle.admin import ConnectorFilter
from tenants.models import User
from tenants.scoping import ScopedAdminMixin

WORKING_STATES = {"healthy", "degraded", "silent"}
FIRST_VERBS = {
    "needs_reconnect": "credential",
    "degraded": "credential",
    "paused": "resume",
    "disabled": "enable",
}


def _is_in_state(*states: str) -> Any:
    return lambda connection: connection.state in states


def is_connected(connection: Connection) -> bool:
    return not connection.is_disconnected


def is_switched_off(connection: Connection) -> bool:
    return connection.state == "disabled" and not connection.is_disconnected


def _raise_if_rejected(result: FormResult) -> Connected:
    """Return the stored result. Raises ActionRejected, with the test's steps, for any other."""
    if isinstance(result, Connected):
        return result
    steps = probe_checklist.list_probe_steps(result.probe_result) if result.probe_result else []
    if isinstance(result, ConnectionTestFailed):
        reason = probe_checklist.describe_failed_probe(result.probe_result)
        raise staff.ActionRejected(f"The test failed: {reason}", steps=steps)
    raise staff.ActionRejected(result.detail, steps=steps)


def _build_resume_result(word: str, connection: Connection) -> staff.ActionResult:
    if connection.state == "needs_reconnect":
        message = (
            f"{word}, but its authorization is no longer valid: the customer must reconnect it."
        )
        return staff.ActionResult(message, succeeded=False, is_audited=True)
    return staff.ActionResult(f"{word}. Waiting deliveries are sent now.", is_audited=True)


@admin.register(Connection)
class ConnectionAdmin(ReconnectLinkMixin, ScopedAdminMixin, staff.ModelAdmin):
    call = staticmethod(egress.send_request)
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
    row_actions = (
        "test",
        "renew",
        "resume",
        "enable",
        "send_reconnect_link",
        "credential",
        "pause",
        "disable",
        "disconnect",
    )
    change_form_outer_before_template = "console/connection.html"

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

    # --- a new connection ---

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Ask for the system, then for its fields, which are tested before they are stored."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        connector = CONNECTORS.get(request.GET.get("connector", ""))
        if connector is None or (connector.platform and not request.user.is_superuser):
            systems = [
                entry
                for entry in CONNECTORS.values()
                if request.user.is_superuser or not entry.platform
            ]
            return self.page(
                request, "console/systems.html", systems=systems, title="Connect a system"
            )
        form = ConnectForm(
            request.POST or None,
            connector=connector,
            request=request,
            site=self.admin_site,
            initial={"tenant": request.GET.get("tenant")},
        )
        problem_context: dict[str, Any] = {}
        if request.method == "POST" and form.is_valid():
            try:
                return self.connect_from_form(request, form, connector)
            except staff.ActionRejected as declined:
                form.add_error(None, str(declined))
                problem_context = declined.context
        title = f"Connect {connector.label}"
        return self.page(
            request,
            "console/connect.html",
            form=form,
            connector=connector,
            title=title,
            **problem_context,
        )

    @sensitive_variables()
    def connect_from_form(
        self, request: HttpRequest, form: ConnectForm, connector: Connector
    ) -> HttpResponse:
        """Connect, and show the connection. Raises ActionRejected if nothing was stored."""
        data = form.cleaned_data
        result = _raise_if_rejected(
            connect_with_form(
                data.get("tenant"),
                connector,
                data["name"],
                FormInput.of_cleaned(data),
                ActorContext.of_request(request),
                connected_by=cast(User, request.user),
                allow_untested=data["anyway"],
                reason=data["reason"],
                call=self.call,
                random=secrets.SystemRandom(),
                now=clock(),
            )
        )
        self.message_user(request, f"{connector.label} is connected.")
        if result.signing_secret:
            return self.show_new_secret(request, result.connection, result.signing_secret)
        return HttpResponseRedirect(self.change_url(result.connection))

    def show_new_secret(
        self, request: HttpRequest, connection: Connection, secret: str
    ) -> HttpResponse:
        title = f"{connection}: copy the signing secret now"
        return self.page(
            request,
            "console/secret_made.html",
            text=secret,
            back=self.change_url(connection),
            title=title,
        )

    # --- the list, and the page of a connection ---

    def page_context(self, request: HttpRequest, connection: Connection) -> dict[str, Any]:
        if connection.connector_key not in CONNECTORS:  # another release had this connector
            return {}
        if request.method == "GET":
            connection_actions.audit_support_visit(
                connection, ActorContext.of_request(request), now=clock()
            )
        has_permission = request.user.has_perm
        return {
            "connection": connection,
            "system": connection.connector,
            "sentence": CONNECTION_STATES[determine_effective_state(connection)].sentence,
            "reason": self.reason(connection),
            "state": determine_effective_state(connection),
            "switch": find_stopping_switches([connection]).get(connection.pk),
            "waiting": measure_backlog(connection, now=clock())
            if has_permission("outgoing.view_delivery")
            else None,
            "lane": getattr(connection, "lane", None),
            "notices": connection.notices.order_by("-id")[:5]
            if has_permission("notices.view_notice")
            else (),
            "settings": panels.collect_shown_settings(connection).items(),
            "gauges": list_quota_usage(connection, now=clock()),
            "maintenance": maintenance.find_connection_window(connection, now=clock()),
            "timeline": draw_credential_timeline(connection, now=clock()),
            "deliveries": panels.find_last_deliveries(connection)
            if has_permission("outgoing.view_delivery")
            else (),
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
            return "send_reconnect_link"
        return FIRST_VERBS.get(connection.state, "test")

    @staff.display(description="connection", ordering="name")
    def label(self, connection: Connection) -> str:
        return str(connection)

    @staff.display(description="tenant")
    def tenant_link(self, connection: Connection) -> str:
        return staff.render_page_link(connection.tenant) if connection.tenant else "Platform"

    @staff.display(description="system", ordering="connector_key")
    def system(self, connection: Connection) -> str:
        connector = CONNECTORS.get(connection.connector_key)
        return connector.label if connector else connection.connector_key

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

    # --- actions ---

    @staff.row_action("Test now", icon="network_check", is_available=is_connected, atomic=False)
    def test(
        self, request: HttpRequest, connection: Connection, data: dict[str, Any], *, now: datetime
    ) -> staff.ActionResult:
        actor = ActorContext.of_request(request)
        probe_result = connection_actions.perform_connection_test(
            connection, actor, call=self.call, now=now
        )
        if probe_result.reason == PROBES_BUSY and queue_connection_test(connection, actor, now=now):
            return staff.ActionResult(
                "Other tests are running. A worker runs this one soon; “Last test” shows "
                "the result.",
                is_audited=True,
            )
        if probe_result.account:
            return staff.ActionResult(
                f"The test passed: {probe_result.account.name or probe_result.account.id}.",
                is_audited=True,
            )
        return staff.ActionResult(
            f"The test failed: {probe_checklist.describe_failed_probe(probe_result)}",
            succeeded=False,
            is_audited=True,
        )

    @staff.row_action(
        "Renew the access token",
        icon="autorenew",
        is_available=connection_actions.is_token_renewable,
    )
    def renew(
        self, request: HttpRequest, connection: Connection, data: dict[str, Any], *, now: datetime
    ) -> staff.ActionResult:
        connection_actions.renew_token(connection, ActorContext.of_request(request), now=now)
        return staff.ActionResult(
            "The renewal has been requested. The timeline shows the result.", is_audited=True
        )

    @staff.row_action("Resume", icon="play_arrow", is_available=_is_in_state("paused"))
    def resume(
        self, request: HttpRequest, connection: Connection, data: dict[str, Any], *, now: datetime
    ) -> staff.ActionResult:
        connection_actions.resume_connection(connection, ActorContext.of_request(request), now=now)
        return _build_resume_result("Resumed", connection)

    @staff.row_action("Enable", icon="play_arrow", is_available=is_switched_off)
    def enable(
        self, request: HttpRequest, connection: Connection, data: dict[str, Any], *, now: datetime
    ) -> staff.ActionResult:
        connection_actions.resume_connection(connection, ActorContext.of_request(request), now=now)
        return _build_resume_result("Enabled", connection)

    @staff.row_action(
        "Pause",
        icon="pause",
        is_available=_is_in_state(*WORKING_STATES),
        form=PauseForm,
        question=(
            "Nothing is sent over a paused connection. New deliveries wait and are sent when "
            "it is resumed."
        ),
    )
    def pause(
        self, request: HttpRequest, connection: Connection, data: dict[str, Any], *, now: datetime
    ) -> staff.ActionResult:
        connection_actions.pause_connection(
            connection,
            data["reason"],
            ActorContext.of_request(request),
            until=compute_pause_end(data, now),
            now=now,
        )
        return staff.ActionResult("Paused.", is_audited=True)

    @staff.row_action(
        "Disable",
        icon="do_not_disturb_on",
        tone="danger",
        is_available=_is_in_state(*WORKING_STATES, "needs_reconnect", "paused"),
        form=staff.ReasonForm,
        question=(
            "Nothing is sent over a disabled connection until a person enables it. New "
            "deliveries are held."
        ),
    )
    def disable(
        self, request: HttpRequest, connection: Connection, data: dict[str, Any], *, now: datetime
    ) -> staff.ActionResult:
        connection_actions.disable_connection(
            connection, data["reason"], ActorContext.of_request(request), now=now
        )
        return staff.ActionResult("Disabled.", is_audited=True)

    @staff.row_action(
        "Disconnect",
        icon="link_off",
        tone="danger",
        is_available=is_connected,
        form=DisconnectForm,
        question=(
            "The authorization is revoked at the other system and deleted here. The history is "
            "kept, and the same account can be connected again."
        ),
    )
    def disconnect(
        self, request: HttpRequest, connection: Connection, data: dict[str, Any], *, now: datetime
    ) -> staff.ActionResult:
        actor = ActorContext.of_request(request)
        disconnect_account(
            connection,
            actor,
            reason=data["reason"],
            keeps_events=data["what_waits"] == "hold",
            now=now,
        )
        if data["what_waits"] == "hold":
            return staff.ActionResult("Disconnected. Waiting deliveries are held.", is_audited=True)
        try:
            count = cancel_waiting_deliveries(connection, actor, now=now)
        except OperationRefused as refused:
            return staff.ActionResult(
                f"Disconnected. Waiting deliveries are held and were not cancelled: {refused}",
                succeeded=False,
                is_audited=True,
            )
        return staff.ActionResult(
            f"Disconnected. {count:,} waiting deliveries are being cancelled.", is_audited=True
        )

    @staff.row_action(
        "Settings and credential",
        icon="key",
        form=CredentialForm,
        atomic=False,
        question=(
            "The settings are tested before they are saved. The connection keeps its history "
            "and waiting deliveries."
        ),
    )
    @sensitive_variables()
    def credential(
        self, request: HttpRequest, connection: Connection, data: dict[str, Any], *, now: datetime
    ) -> staff.ActionResult:
        result = _raise_if_rejected(
            update_with_form(
                connection,
                FormInput.of_cleaned(data),
                ActorContext.of_request(request),
                allow_untested=data["anyway"],
                reason=data.get("reason", ""),
                call=self.call,
                random=secrets.SystemRandom(),
                now=now,
            )
        )
        detail = "Saved, and the test passed."
        if not result.probe_result.passed:
            detail = "Saved, without a passing test."
        new_secret = result.signing_secret
        page = self.show_new_secret(request, connection, new_secret) if new_secret else None
        return staff.ActionResult(detail, page=page, is_audited=True)
