"""Connections for staff: connect, test, pause, resume, mend."""

import secrets
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path
from django.views.decorators.debug import sensitive_variables

from connectors.registry import CONNECTORS
from hub import egress, staff
from hub.clock import clock
from hub.connections import checks, connect, maintenance, probe, steer
from hub.connections.admin import shows
from hub.connections.admin.forecast import forecast_page
from hub.connections.admin.reconnect import ReconnectLinkMixin
from hub.connections.backlog import backlog
from hub.connections.disconnect import cancel_what_waits, disconnect
from hub.connections.forms import ConnectForm, ConnectionForm, CredentialForm, DisconnectForm, PauseForm, until
from hub.connections.gauges import gauges
from hub.connections.life import life_of
from hub.connections.models import Connection, Lane
from hub.connections.probe import BUSY
from hub.connections.queued_tests import queue_test
from hub.connections.stands import shown_state, stopping_switches
from hub.operations.start import Hand, Refused
from hub.queue import ring
from hub.throttle.admin import ConnectorFilter
from hub.words import CONNECTION_STATES, reason_of
from tenants.scoping import ScopedAdminMixin

WORKS = {"healthy", "degraded", "silent"}
MENDS = {"needs_reconnect": "credential", "degraded": "credential", "paused": "resume", "disabled": "enable"}


def in_state(*states: str) -> Any:
    return lambda connection: connection.state in states


def is_connected(connection: Connection) -> bool:
    return not connection.disconnected


def is_switched_off(connection: Connection) -> bool:
    return connection.state == "disabled" and not connection.disconnected


def resumed(word: str, connection: Connection) -> staff.Done:
    if connection.state == "needs_reconnect":
        ended = f"{word}, but its authorization ended meanwhile: somebody at the customer must reconnect it."
        return staff.Done(ended, well=False, told=True)
    return staff.Done(f"{word}: what waited goes out now.", told=True)


@admin.register(Connection)
class ConnectionAdmin(ReconnectLinkMixin, ScopedAdminMixin, staff.ModelAdmin):
    call = staticmethod(egress.outward)  # the way to the network
    form = ConnectionForm
    list_display = ("named", "whose", "system", "condition", "why", "lasting", "served")
    list_filter = (("state", staff.ChoicesFilter), ConnectorFilter, ("tenant", staff.RelatedFilter))
    list_select_related = ("tenant", "lane")
    search_fields = ("public_id", "account", "^name")
    search_help_text = "An id of ours or theirs, or the beginning of a name."
    ordering = ("-state_changed_at",)
    fields = ("name", "in_flight")
    verbs = ("test", "renew", "resume", "enable", "send_reconnect_link", "credential", "pause", "disable", "disconnect")
    change_form_outer_before_template = "console/connection.html"

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # deliveries name it; it is disabled instead

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.fields if self.has_change_permission(request, obj) else ("name",)

    def save_model(self, request: HttpRequest, obj: Connection, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        Lane.unscoped.filter(connection=obj).update(in_flight=form.cleaned_data["in_flight"])

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.forecast_view)
        return [path("forecast/", view, name="connections_connection_forecast"), *super().get_urls()]

    def forecast_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return forecast_page(self, request)

    # --- a new one ---

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """First which system, then its own fields, tested before anything is stored."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        connector = CONNECTORS.get(request.GET.get("connector", ""))
        if connector is None or (connector.platform and not request.user.is_superuser):
            systems = [entry for entry in CONNECTORS.values() if request.user.is_superuser or not entry.platform]
            return self.page(request, "console/systems.html", systems=systems, title="Connect a system")
        form = ConnectForm(
            request.POST or None,
            connector=connector,
            request=request,
            site=self.admin_site,
            initial={"tenant": request.GET.get("tenant")},
        )
        shown: dict[str, Any] = {}
        if request.method == "POST" and form.is_valid():
            try:
                return self.connected(request, form, connector)
            except staff.Declined as declined:
                form.add_error(None, str(declined))
                shown = declined.shown
        title = f"Connect {connector.label}"
        return self.page(request, "console/connect.html", form=form, connector=connector, title=title, **shown)

    @sensitive_variables()
    def connected(self, request: HttpRequest, form: ConnectForm, connector: Any) -> HttpResponse:
        now, said = clock(), form.cleaned_data
        row = connect.draft(said.get("tenant"), connector.key, said["name"], said["settings"])
        document, made = connect.completed(connector, said["document"], random=secrets.token_bytes)
        finding = self.tested(row, document, said, now)
        hand = Hand.of_staff(request)
        try:
            how = {"by": request.user, "random": secrets.SystemRandom().random, "now": now}
            steer.establish(row, document, finding, hand, reason=said["reason"], **how)
        except (connect.AlreadyConnected, connect.Suspended) as clash:
            raise staff.Declined(str(clash)) from None
        self.message_user(request, f"{connector.label} is connected.")
        return self.made(request, row, made) if made else HttpResponseRedirect(self.row_url(row))

    @sensitive_variables()
    def tested(self, row: Connection, document: Any, said: dict[str, Any], now: datetime) -> probe.Finding:
        """What the test found; declined where it failed and nobody said to go on."""
        finding = probe.probe(row, document, call=self.call, now=now)
        if not finding.lives and not said["anyway"]:
            raise staff.Declined(f"The test did not pass: {checks.told(finding)}", steps=checks.steps(finding))
        return finding

    def made(self, request: HttpRequest, row: Connection, secret: str) -> HttpResponse:
        title = f"{row}: copy the signing secret now"
        return self.page(request, "console/secret_made.html", text=secret, back=self.row_url(row), title=title)

    # --- the list and the page of one ---

    def around(self, request: HttpRequest, connection: Connection) -> dict[str, Any]:
        if connection.connector_key not in CONNECTORS:  # it was there in another release
            return {}
        if request.method == "GET":
            steer.looked(connection, Hand.of_staff(request), now=clock())
        see = request.user.has_perm
        return {
            "connection": connection,
            "system": connection.connector,
            "sentence": CONNECTION_STATES[shown_state(connection)].sentence,
            "reason": self.reason(connection),
            "state": shown_state(connection),
            "switch": stopping_switches([connection]).get(connection.pk),
            "waiting": backlog(connection, now=clock()) if see("outgoing.view_delivery") else None,
            "lane": getattr(connection, "lane", None),
            "notices": connection.notices.order_by("-id")[:5] if see("notices.view_notice") else (),
            "settings": shows.shown_settings(connection).items(),
            "gauges": gauges(connection, now=clock()),
            "maintenance": maintenance.of(connection, now=clock()),
            "life": life_of(connection, now=clock()),
            "deliveries": shows.last_deliveries(connection) if see("outgoing.view_delivery") else (),
            "routes": connection.routes.order_by("name")[:20] if see("outgoing.view_route") else (),
        }

    def reason(self, connection: Connection) -> Any:
        told = connection.reason not in ("", connection.state)
        return reason_of(connection.reason, system=connection.connector.label) if told else None

    def first_verb(self, connection: Connection) -> str:
        if connection.disconnected:
            return "credential"
        if connection.state == "needs_reconnect" and connection.connector.needs_oauth:
            return "send_reconnect_link"
        return MENDS.get(connection.state, "test")

    @staff.display(description="connection", ordering="name")
    def named(self, connection: Connection) -> str:
        return str(connection)

    @staff.display(description="tenant")
    def whose(self, connection: Connection) -> str:
        return staff.page_link(connection.tenant) if connection.tenant else "the platform"

    @staff.display(description="system", ordering="connector_key")
    def system(self, connection: Connection) -> str:
        known = CONNECTORS.get(connection.connector_key)
        return known.label if known else connection.connector_key

    @staff.display(description="state", ordering="state")
    def condition(self, connection: Connection) -> str:
        return staff.badge(shown_state(connection))

    @staff.display(description="why")
    def why(self, connection: Connection) -> str:
        return reason_of(connection.reason, system=self.system(connection)).sentence if connection.reason else "–"

    @staff.display(description="since", ordering="state_changed_at")
    def lasting(self, connection: Connection) -> str:
        return staff.moment(connection.state_changed_at)

    @staff.display(description="last served")
    def served(self, connection: Connection) -> str:
        return staff.moment(connection.lane.virtual_time) if hasattr(connection, "lane") else "–"

    # --- what staff do ---

    @staff.verb("Test now", icon="network_check", when=is_connected, atomic=False)
    def test(self, request: HttpRequest, row: Connection, said: dict[str, Any], *, now: datetime) -> staff.Done:
        hand = Hand.of_staff(request)
        finding = steer.test(row, hand, call=self.call, now=now)
        if finding.reason == BUSY and queue_test(row, hand, now=now):
            return staff.Done(
                "Other tests run at this moment: a worker makes this one. See “Last test” in a while.", told=True
            )
        if finding.lives:
            return staff.Done(f"The test passed: {finding.account.name or finding.account.id}.", told=True)
        return staff.Done(f"The test did not pass: {checks.told(finding)}", well=False, told=True)

    @staff.verb("Ask for a new access token", icon="autorenew", when=shows.is_refreshable)
    def renew(self, request: HttpRequest, row: Connection, said: dict[str, Any], *, now: datetime) -> staff.Done:
        row.credential.want_refresh(now=now)
        ring(f"refresh:{row.pk}", now=now)
        return staff.Done("It is asked for now; the life line says what came of it.")

    @staff.verb("Resume", icon="play_arrow", when=in_state("paused"))
    def resume(self, request: HttpRequest, row: Connection, said: dict[str, Any], *, now: datetime) -> staff.Done:
        steer.resume(row, Hand.of_staff(request), now=now)
        return resumed("Resumed", row)

    @staff.verb("Enable", icon="play_arrow", when=is_switched_off)
    def enable(self, request: HttpRequest, row: Connection, said: dict[str, Any], *, now: datetime) -> staff.Done:
        steer.resume(row, Hand.of_staff(request), now=now)
        return resumed("Enabled", row)

    @staff.verb(
        "Pause",
        icon="pause",
        when=in_state(*WORKS),
        form=PauseForm,
        asks="Nothing is sent over a paused connection. What arrives meanwhile waits, and goes when it is resumed.",
    )
    def pause(self, request: HttpRequest, row: Connection, said: dict[str, Any], *, now: datetime) -> staff.Done:
        steer.pause(row, said["reason"], Hand.of_staff(request), until=until(said, now), now=now)
        return staff.Done("Paused.", told=True)

    @staff.verb(
        "Disable",
        icon="do_not_disturb_on",
        tone="danger",
        when=in_state(*WORKS, "needs_reconnect", "paused"),
        form=staff.ReasonForm,
        asks="A disabled connection sends nothing until somebody enables it. What arrives meanwhile is held.",
    )
    def disable(self, request: HttpRequest, row: Connection, said: dict[str, Any], *, now: datetime) -> staff.Done:
        before = {"state": row.state}
        row.disable("disabled", said["reason"], now=now)
        return staff.Done("Disabled.", before=before, after={"state": row.state})

    @staff.verb(
        "Disconnect",
        icon="link_off",
        tone="danger",
        when=is_connected,
        form=DisconnectForm,
        asks="The authorization is given back to the other system, and forgotten here. The history stays, and the same "
        "account can be connected again.",
    )
    def disconnect(self, request: HttpRequest, row: Connection, said: dict[str, Any], *, now: datetime) -> staff.Done:
        hand = Hand.of_staff(request)
        disconnect(row, hand, reason=said["reason"], keeps_events=said["what_waits"] == "hold", now=now)
        if said["what_waits"] == "hold":
            return staff.Done("Disconnected. What waits is held.", told=True)
        try:
            count = cancel_what_waits(row, hand, now=now)
        except Refused as refused:
            return staff.Done(
                f"Disconnected. What waits is held and was not cancelled: {refused}", well=False, told=True
            )
        return staff.Done(f"Disconnected. {count:,} waiting deliveries are being cancelled.", told=True)

    @staff.verb(
        "Settings and credential",
        icon="key",
        form=CredentialForm,
        atomic=False,
        asks="It is tested before it is saved. The connection keeps its history and what waits.",
    )
    @sensitive_variables()
    def credential(self, request: HttpRequest, row: Connection, said: dict[str, Any], *, now: datetime) -> staff.Done:
        tried = connect.draft(row.tenant, row.connector_key, row.name, said["settings"])
        document, made = connect.completed(row.connector, said["document"], random=secrets.token_bytes)
        finding = self.tested(tried, document, said, now)
        hand = Hand.of_staff(request)
        try:
            how = {"reason": said.get("reason", ""), "random": secrets.SystemRandom().random, "now": now}
            steer.mend(row, said["settings"], document, finding, hand, **how)
        except (connect.ChangeRefused, connect.Suspended) as other:
            raise staff.Declined(str(other), steps=checks.steps(finding)) from None
        words = "Saved, and the test passed." if finding.lives else "Saved, without a passing test."
        page = self.made(request, row, made) if made else None
        return staff.Done(words, page=page, told=True)
