"""The page of a connection: state, activity, permissions; and the actions on it."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from hub.actions import Action
from hub.connections.actions import maintenance
from hub.connections.actions.declared_actions import CONNECTION_ACTIONS, UNDO_ACTIONS
from hub.connections.actions.disconnection import find_disconnection
from hub.connections.actions.queued_tests import TEST_ACTIONS
from hub.connections.models import Connection
from hub.connections.status.backlog import measure_backlog
from hub.connections.status.connection_page import build_connection_context, list_last_notices
from hub.db.clock import clock
from hub.notices.preferences import list_effective_preferences
from hub.outgoing.insight import hourly
from hub.outgoing.insight.mapping_preview import preview_mappings
from hub.outgoing.insight.missing_identities import find_static_identities
from hub.outgoing.insight.needed_permissions import find_missing_incoming_permissions
from hub.outgoing.models import Delivery
from hub.portal.actions import ActionPages, build_action_view, list_possible_actions
from hub.portal.activity import list_activity
from hub.portal.display_preferences import resolve_display_zone
from hub.portal.views.connections.connection_test_pages import show_queued_test
from hub.portal.views.connections.own_connection import (
    ROUTES_SHOWN,
    filter_routes_to,
    get_own_connection,
)
from hub.portal.webhook_status import build_sources_context, list_subscriptions
from tenants.access.tenant_users import TenantUser, tenant_view
from tenants.models import Membership

# the tenant's newest deliveries, among which the connection's last day is counted
DELIVERIES_SCANNED = 5_000
STATE_PARTS = (
    ("delivered", "good", gettext_lazy("delivered")),
    ("held", "warn", gettext_lazy("held")),
    ("failed", "bad", gettext_lazy("failed")),
)


class UpcomingTimes(NamedTuple):
    """The times of the next automatic actions on a connection; None: unknown or event-driven."""

    next_send_at: datetime | None
    next_test_at: datetime | None
    next_renewal_at: datetime | None


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
    notice_context: dict[str, Any] = {"notices": list_last_notices(connection)}
    if tenant_user.user:
        is_concerned = tenant_user.is_owner or connection.connected_by_id == tenant_user.user.pk
        membership = Membership.objects.of(tenant_user.tenant).get(user=tenant_user.user)
        notice_context |= {
            "concerned": is_concerned,
            "mails": list_effective_preferences(
                membership, connection, receives_by_default=is_concerned
            ),
        }
    return notice_context


@require_safe
@tenant_view()
def show_connection(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    connection, now = get_own_connection(tenant_user, id), clock()
    matching_routes = list(filter_routes_to(connection)[: ROUTES_SHOWN + 1])
    routes = matching_routes[:ROUTES_SHOWN]
    window = maintenance.find_connection_window(connection, now=now)
    shared_context = build_connection_context(connection, window, now=now)
    step = choose_primary_action(connection, shared_context["status"].state)
    offered_actions = list_possible_actions(CONNECTION_ACTIONS, connection)
    context: dict[str, Any] = {
        **shared_context,
        "tenant_user": tenant_user,
        "step": step,
        "step_url": step.build_url(connection),
        "waiting": measure_backlog(connection, now=now),
        "missing_permissions": find_missing_incoming_permissions(connection),
        "disconnection": find_disconnection(connection, now=now),
        "actions": [
            offered
            for offered in offered_actions
            if offered.action.name not in (*UNDO_ACTIONS, step.verb)
        ],
        "undo_actions": [
            offered for offered in offered_actions if offered.action.name in UNDO_ACTIONS
        ],
        "zone": resolve_display_zone(request),
        "next": find_upcoming_times(connection, now=now),
        "more_routes": len(matching_routes) > ROUTES_SHOWN,
        "conversions": preview_mappings(routes, connection),
        "missing": [] if connection.is_disconnected else find_static_identities(routes, connection),
        "activity": list_activity(connection),
        "subscriptions": list_subscriptions(connection, reveals_url=tenant_user.can_manage),
        **build_sources_context(connection, zone=resolve_display_zone(request), now=now),
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


run_connection_action = build_action_view(
    ActionPages(
        actions={**CONNECTION_ACTIONS, **TEST_ACTIONS},
        find=get_own_connection,
        respond=show_queued_test,
    )
)


class PrimaryAction(NamedTuple):
    """The primary button of a connection's page.

    page: a URL name below `portal:`; posts: the button submits a form instead of following a link;
    verb: the declared action that it performs.
    """

    label: str | Promise
    page: str
    icon: str
    posts: bool = False
    verb: str = ""

    def build_url(self, connection: Connection) -> str:
        assert connection.tenant is not None  # only connections of tenants have pages
        url_arguments = [self.verb] if self.verb else []
        arguments = [connection.tenant.reference, connection.public_id, *url_arguments]
        return reverse(f"portal:{self.page}", args=arguments)


def _perform(action: Action[Connection], icon: str = "play_circle") -> PrimaryAction:
    return PrimaryAction(action.label, "connection_do", icon, True, action.name)


TEST_NOW = _perform(TEST_ACTIONS["test"], "sync")
PRIMARY_ACTIONS = {
    "healthy": TEST_NOW,
    "silent": TEST_NOW,
    "degraded": TEST_NOW,
    "paused": _perform(CONNECTION_ACTIONS["resume"]),
    "switched_off": TEST_NOW,
    "disabled": _perform(CONNECTION_ACTIONS["enable"]),
    "needs_reconnect": PrimaryAction(gettext_lazy("Reconnect"), "reconnect", "sync"),
    "disconnected": PrimaryAction(gettext_lazy("Reconnect"), "reconnect", "sync"),
}

# of a connection that only receives, which cannot be tested
SHOW_SETTINGS = PrimaryAction(gettext_lazy("Settings and credential"), "reconnect", "key")


def choose_primary_action(connection: Connection, state: str) -> PrimaryAction:
    """Return the action to offer first in an effective state."""
    action = PRIMARY_ACTIONS[state]
    is_offered = action is not TEST_NOW or connection.connector.has_probe
    return action if is_offered else SHOW_SETTINGS
