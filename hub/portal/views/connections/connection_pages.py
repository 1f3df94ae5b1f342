"""Pages of one connection: state, activity, permissions, and its actions."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib import messages
from django.db.models import Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from hub import egress
from hub.audit import ActorContext
from hub.connections.actions import connection_actions, maintenance
from hub.connections.actions.disconnection import cancel_waiting_deliveries, disconnect_account
from hub.connections.actions.queued_tests import (
    INTERRUPTED,
    queue_connection_test,
    read_test_progress,
    restore_failed_result,
)
from hub.connections.credentials import probe_checklist
from hub.connections.credentials.probe import PROBES_BUSY
from hub.connections.models import Connection
from hub.connections.status.backlog import measure_backlog
from hub.connections.status.connector_permissions import list_permission_statuses
from hub.connections.status.credential_timeline import draw_credential_timeline
from hub.connections.status.effective_status import find_stopping_switches
from hub.connections.status.settings_view import list_displayed_settings
from hub.db.clock import clock
from hub.db.state_machine import InvalidTransition
from hub.notices.kinds import NOTICE_KINDS
from hub.notices.models import Notice
from hub.notices.preferences import list_effective_preferences
from hub.operations.operation_actions import OperationRefused
from hub.outgoing.insight import hourly
from hub.outgoing.insight.mapping_preview import preview_mappings
from hub.outgoing.insight.missing_identities import find_static_identities
from hub.outgoing.models import Delivery, Route
from hub.outgoing.operations.erase import erase_connection_data
from hub.portal.activity import list_activity
from hub.portal.connection_status import describe_status
from hub.portal.display_preferences import resolve_display_zone
from hub.portal.forms import ConnectionNameForm, DisconnectForm, PauseForm
from hub.reason_codes import find_reason
from tenants.access.tenant_users import TenantUser, require_recent_login, tenant_view
from tenants.models import Membership, Tenant

ADMIN = Membership.Role.ADMIN
DELIVERIES_SCANNED = (
    5_000  # the tenant's newest deliveries, among which the connection's last day is counted
)
ROUTES_SHOWN, NOTICES_SHOWN = 20, 5
STATE_PARTS = (
    ("delivered", "good", gettext_lazy("delivered")),
    ("held", "warn", gettext_lazy("held")),
    ("failed", "bad", gettext_lazy("failed")),
)
STATE_CHANGED_MEANWHILE = gettext_lazy(
    "The state has changed in the meantime, so nothing was changed. Reload the page."
)


def get_own_connection(tenant_user: TenantUser, id: UUID) -> Connection:
    """Return the tenant's connection. Raises Http404 if the tenant has none with this id."""
    connections = Connection.objects.of(tenant_user.tenant).select_related(
        "lane", "tenant", "credential", "connected_by"
    )
    connection: Connection = get_object_or_404(connections, public_id=id)
    return connection


def redirect_to_connection(tenant_user: TenantUser, connection: Connection) -> HttpResponseRedirect:
    return HttpResponseRedirect(
        reverse("portal:connection", args=[tenant_user.tenant.reference, connection.public_id])
    )


def filter_routes_to(connection: Connection) -> QuerySet[Route]:
    """Return the enabled routes that send over the connection: its own and its system's."""
    is_matching = Q(connection=connection) | Q(
        connection=None, connector_key=connection.connector_key
    )
    if connection.tenant is None:
        return Route.unscoped.none()
    return filter_enabled_routes(connection.tenant).filter(is_matching)


def filter_enabled_routes(tenant: Tenant) -> QuerySet[Route]:
    routes: QuerySet[Route] = Route.objects.of(tenant)
    return routes.filter(enabled=True).order_by("name", "pk")


class UpcomingTimes(NamedTuple):
    """The times of the next automatic actions on a connection; None: unknown or event-driven."""

    sends: datetime | None
    tests: datetime | None
    renews: datetime | None


def find_upcoming_times(connection: Connection, *, now: datetime) -> UpcomingTimes:
    lane = connection.lane
    is_sending = not (lane.hold_reason or lane.switched_off_by or connection.is_disconnected)
    sends = lane.due_at if is_sending and lane.due_at and lane.due_at > now else None
    tests = connection.check_at if is_sending and connection.connector.checks_every else None
    return UpcomingTimes(
        sends,
        tests,
        getattr(getattr(connection, "credential", None), "refresh_due_at", None)
        if is_sending
        else None,
    )


def build_notice_context(tenant_user: TenantUser, connection: Connection) -> dict[str, Any]:
    """Return the connection's last notices and, for visitors with an account, mail preferences."""
    notices = connection.notices.filter(kind__in=NOTICE_KINDS).order_by("-id")[:NOTICES_SHOWN]
    notice_context: dict[str, Any] = {
        "notices": [
            (NOTICE_KINDS[notice.kind].label, explain_notice(notice, connection), notice.created_at)
            for notice in notices
        ]
    }
    if tenant_user.user:
        is_concerned = tenant_user.is_owner or connection.connected_by_id == tenant_user.user.pk
        membership = Membership.objects.of(tenant_user.tenant).get(user=tenant_user.user)
        notice_context |= {
            "concerned": is_concerned,
            "mails": list_effective_preferences(membership, connection, is_concerned=is_concerned),
        }
    return notice_context


def explain_notice(notice: Notice, connection: Connection) -> str:
    return (
        find_reason(notice.reason, system=connection.connector.label).sentence
        if notice.reason
        else ""
    )


@require_safe
@tenant_view()
def show_connection(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    connection, now = get_own_connection(tenant_user, id), clock()
    matching_routes = list(filter_routes_to(connection)[: ROUTES_SHOWN + 1])
    routes = matching_routes[:ROUTES_SHOWN]
    context = {
        "tenant_user": tenant_user,
        "connection": connection,
        "connector": connection.connector,
        "environment": connection.connector.environment(connection.settings.get("environment", "")),
        "status": describe_status(
            connection,
            window=maintenance.find_connection_window(connection, now=now),
            switch=find_stopping_switches([connection]).get(connection.pk),
        ),
        "waiting": measure_backlog(connection, now=now),
        "permissions": list_permission_statuses(connection),
        "timeline": draw_credential_timeline(connection, now=now),
        "zone": resolve_display_zone(request),
        "next": find_upcoming_times(connection, now=now),
        "more_routes": len(matching_routes) > ROUTES_SHOWN,
        "conversions": preview_mappings(routes, connection),
        "facts": list_displayed_settings(connection),
        "missing": [] if connection.is_disconnected else find_static_identities(routes, connection),
        "activity": list_activity(connection),
        **build_hours_context(connection, now=now),
        **build_notice_context(tenant_user, connection),
    }
    return render(request, "portal/connection.html", context)


def build_hours_context(connection: Connection, *, now: datetime) -> dict[str, Any]:
    """Count the deliveries of the last day by hour and state, among the tenant's newest."""
    tenant_deliveries = Delivery.objects.of(connection.tenant)
    scan_limit = tenant_deliveries.order_by("-pk").values("pk")[
        DELIVERIES_SCANNED - 1 : DELIVERIES_SCANNED
    ]
    newest = tenant_deliveries.filter(
        connection=connection, pk__gte=Coalesce(Subquery(scan_limit), 0)
    ).order_by()
    states = [state for state, _tone, _label in STATE_PARTS]
    hours = hourly.count_by_hour(newest.values("pk"), states, now=now)
    delivered = newest.filter(state="delivered").order_by("-pk")
    return {
        "hours": hours,
        "last": delivered.values_list("state_changed_at", flat=True).first(),
        "parts": [(tone, label) for _state, tone, label in STATE_PARTS],
        "totals": [
            (tone, label, sum(hour.counts[index] for hour in hours))
            for index, (_state, tone, label) in enumerate(STATE_PARTS)
        ],
    }


@require_POST
@tenant_view(min_role=ADMIN)
def test_connection_view(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    connection = get_own_connection(tenant_user, id)
    actor, now = ActorContext.of_visitor(request, tenant_user), clock()
    probe_result = connection_actions.perform_connection_test(
        connection, actor, call=egress.send_request, now=now
    )
    if probe_result.reason == PROBES_BUSY and queue_connection_test(connection, actor, now=now):
        return HttpResponseRedirect(
            reverse(
                "portal:connection_test_progress",
                args=[tenant_user.tenant.reference, connection.public_id],
            )
        )
    if probe_result.passed and connection.state == "needs_reconnect":
        warning = _(
            "The access token still works, but it cannot be renewed. Reconnect the account."
        )
        messages.warning(request, warning)
    elif probe_result.passed and connection.state == "degraded":
        warning = _(
            "The test passed, but deliveries still fail. The connection is healthy again "
            "after the first successful delivery."
        )
        messages.warning(request, warning)
    elif probe_result.passed:
        messages.success(
            request, _("The test passed. The other system responds and accepts the credential.")
        )
    else:
        messages.error(
            request,
            _("The test failed: %(why)s")
            % {"why": probe_checklist.describe_failed_probe(probe_result)},
        )
    return redirect_to_connection(tenant_user, connection)


@require_safe
@tenant_view(min_role=ADMIN)
def show_test_progress(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    """Show the progress of a test that a worker runs; the page reloads until there is a result."""
    connection = get_own_connection(tenant_user, id)
    progress = read_test_progress(connection, now=clock())
    if progress is None:
        return redirect_to_connection(tenant_user, connection)
    result = progress.get("result")
    has_failed = result and not result["passed"] and result["reason"] != INTERRUPTED
    context = {
        "tenant_user": tenant_user,
        "connection": connection,
        "connector": connection.connector,
        "progress": progress,
    }
    context["checks"] = (
        probe_checklist.list_probe_steps(restore_failed_result(result))
        if result and has_failed
        else []
    )
    return render(request, "portal/connection_test.html", context)


@require_POST
@tenant_view(min_role=ADMIN)
def resume_connection_view(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    connection = get_own_connection(tenant_user, id)
    try:
        connection_actions.resume_connection(
            connection, ActorContext.of_visitor(request, tenant_user), now=clock()
        )
        if connection.state == "needs_reconnect":
            messages.warning(
                request,
                _(
                    "Its authorization is no longer valid. Reconnect the account to send "
                    "the waiting deliveries."
                ),
            )
        else:
            messages.success(request, _("Resumed. Waiting deliveries are sent now."))
    except (connection_actions.InvalidConnectionState, InvalidTransition):
        messages.warning(request, STATE_CHANGED_MEANWHILE)
    return redirect_to_connection(tenant_user, connection)


@require_http_methods(["GET", "POST"])
@tenant_view(min_role=ADMIN)
def pause_connection_view(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    connection, now = get_own_connection(tenant_user, id), clock()
    form = PauseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            reason, until = form.cleaned_data["reason"], form.paused_until(now)
            connection_actions.pause_connection(
                connection,
                reason,
                ActorContext.of_visitor(request, tenant_user),
                until=until,
                now=now,
            )
            messages.success(request, _("Paused. New deliveries wait."))
        except InvalidTransition:
            messages.warning(request, STATE_CHANGED_MEANWHILE)
        return redirect_to_connection(tenant_user, connection)
    return render(
        request,
        "portal/pause.html",
        {"tenant_user": tenant_user, "connection": connection, "form": form},
    )


@require_http_methods(["GET", "POST"])
@tenant_view(min_role=ADMIN)
def rename_connection_view(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    connection = get_own_connection(tenant_user, id)
    form = ConnectionNameForm(request.POST or None, initial={"name": connection.name})
    if request.method == "POST" and form.is_valid():
        connection_actions.rename_connection(
            connection,
            form.cleaned_data["name"],
            ActorContext.of_visitor(request, tenant_user),
            now=clock(),
        )
        return redirect_to_connection(tenant_user, connection)
    return render(
        request,
        "portal/rename.html",
        {"tenant_user": tenant_user, "connection": connection, "form": form},
    )


@require_http_methods(["GET", "POST"])
@tenant_view(min_role=ADMIN)
def disconnect_view(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponseBase:
    """Show the consequences of disconnecting (GET); disconnect (POST)."""
    connection, now = get_own_connection(tenant_user, id), clock()
    form = DisconnectForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        has_to_erase = form.cleaned_data["data"] == "erase"
        return (disconnect_and_erase if has_to_erase else disconnect_and_redirect)(
            request, tenant_user, connection, form
        )
    routes = list(filter_routes_to(connection)[:51])
    context = {
        "tenant_user": tenant_user,
        "connection": connection,
        "connector": connection.connector,
        "form": form,
        "waiting": measure_backlog(connection, now=now),
        "routes": routes[:50],
        "more_routes": len(routes) > 50,
    }
    return render(request, "portal/disconnect.html", context)


def disconnect_and_redirect(
    request: HttpRequest, tenant_user: TenantUser, connection: Connection, form: DisconnectForm
) -> HttpResponse:
    actor, now = ActorContext.of_visitor(request, tenant_user), clock()
    try:
        keeps_events = form.cleaned_data["what_waits"] == "hold"
        disconnect_account(
            connection,
            actor,
            reason=form.cleaned_data["reason"],
            keeps_events=keeps_events,
            now=now,
        )
    except InvalidTransition:
        messages.warning(request, STATE_CHANGED_MEANWHILE)
        return redirect_to_connection(tenant_user, connection)
    messages.success(
        request, _("%(name)s is disconnected. Its history is kept.") % {"name": connection.name}
    )
    if form.cleaned_data["data"] == "erase":
        erase_connection_data(
            connection, actor, cancel=form.cleaned_data["what_waits"] == "cancel", now=now
        )
        messages.info(
            request,
            _("Its requests and responses are being deleted. Its identities have been deleted."),
        )
    elif form.cleaned_data["what_waits"] == "cancel":
        try:
            count = cancel_waiting_deliveries(connection, actor, now=now)
            confirmation = ngettext(
                "%(count)s waiting delivery is cancelled.",
                "%(count)s waiting deliveries are cancelled.",
                count,
            )
            messages.info(request, confirmation % {"count": count})
        except OperationRefused as error:
            messages.warning(request, str(error))
    return redirect_to_connection(tenant_user, connection)


disconnect_and_erase = require_recent_login(disconnect_and_redirect)
