"""Pages without a model of their own: the start page, the dashboard, and problem types."""

from collections import Counter
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from hub import staff
from hub.connections.models import Connection
from hub.console import health
from hub.console.changes import rank_changes
from hub.console.day_figures import ErrorGroup
from hub.console.delivery_chart import CHART_PARTS, build_all_chart, build_system_charts
from hub.console.headline import NextStep, build_headline, list_setup_steps
from hub.console.overview import MAX_ROWS_PER_STATE, Overview, build_overview
from hub.db.clock import clock
from hub.incoming.models import (
    InboundGap,
    InboundItem,
    InboundMessage,
    InboundSource,
    WebhookSubscription,
)
from hub.operations.models import Operation
from hub.outgoing.models import Delivery, Event
from hub.problems import CATALOGUE
from hub.reason_codes import find_reason
from hub.scheduled.models import Discrepancy, Run
from tenants.access.guest_sessions import current_guest
from tenants.access.tenant_users import find_tenant_user, tenant_home_url
from tenants.scoping import ALL_TENANTS, Scoped, accessible_tenants, visible_rows

ERRORS_SHOWN, TENANTS_SHOWN = 12, 4  # on the dashboard


@require_safe
def redirect_to_start(request: HttpRequest) -> HttpResponse:
    """Redirect staff to the admin, and customers to their only tenant or to the list of tenants."""
    if not request.user.is_authenticated:
        return redirect_to_login("/")
    if request.user.is_staff:
        return HttpResponseRedirect(reverse("admin:index"))
    tenants = [
        membership.tenant for membership in request.user.memberships.select_related("tenant")[:2]
    ]
    return HttpResponseRedirect(
        tenant_home_url(tenants[0]) if len(tenants) == 1 else reverse("people:tenants")
    )


# each kind with its models, and the name of their page in the portal
PAGES_BY_KIND: dict[str, tuple[tuple[type[Scoped], ...], str]] = {
    "events": ((Event,), "event"),
    "deliveries": ((Delivery,), "delivery"),
    "connections": ((Connection,), "connection"),
    "operations": ((Operation,), "operation"),
    "inbound": ((InboundItem, InboundMessage), "incoming_item"),
    "discrepancies": ((Discrepancy,), "discrepancy"),
    "webhook-subscriptions": ((WebhookSubscription,), "connection"),
    "sources": ((InboundSource,), "source"),
    "gaps": ((InboundGap,), "gap"),
    "runs": ((Run,), "run"),
}


@require_safe
def redirect_to_row(request: HttpRequest, kind: str, id: UUID) -> HttpResponse:
    """Redirect to the page of an object: staff to the admin, customers and guests to the portal."""
    if not request.user.is_authenticated and current_guest(request) is None:
        return redirect_to_login(request.get_full_path())
    if kind not in PAGES_BY_KIND:
        raise Http404(kind)
    models, page = PAGES_BY_KIND[kind]
    target: Any = _find_by_public_id(models, id)
    model = type(target)
    if request.user.is_staff and visible_rows(model, request.user).filter(pk=target.pk).exists():
        admin_page = f"admin:{model._meta.app_label}_{model._meta.model_name}_change"
        return HttpResponseRedirect(reverse(admin_page, args=[target.pk]))
    if target.tenant is None:
        raise Http404(id)
    find_tenant_user(request, target.tenant.reference)  # Http404 for other users
    if isinstance(target, WebhookSubscription):
        target = target.endpoint.connection
    is_endpoint = isinstance(target, Connection) and target.is_tenant_endpoint
    arguments = [target.tenant.reference, target.public_id]
    return HttpResponseRedirect(
        reverse(f"portal:{'endpoint' if is_endpoint else page}", args=arguments)
    )


def _find_by_public_id(models: tuple[type[Scoped], ...], id: UUID) -> Scoped:
    """Return the row with this id. Raises Http404."""
    for model in models:
        rows: QuerySet[Any] = model.unscoped.all()
        row: Scoped | None = rows.filter(public_id=id).first()
        if row is not None:
            return row
    raise Http404(id)


@require_safe
def show_problem_type(request: HttpRequest, code: str) -> HttpResponse:
    if code not in CATALOGUE:
        raise Http404(code)
    return render(request, "problems/problem.html", {"code": code, "kind": CATALOGUE[code]})


@require_safe
def show_health(request: HttpRequest) -> HttpResponse:
    """Show the health of the hub to users who may see the figures of all tenants."""
    if accessible_tenants(request.user) is not ALL_TENANTS:
        raise PermissionDenied
    snapshot = health.take_health_snapshot(now=clock())
    context = admin.site.each_context(request) | {
        "title": "Health",
        "snapshot": snapshot,
        "headline": health.summarize_health(snapshot),
        "bars": health.build_backlog_bars(snapshot),
        "pumps": health.list_pumps(snapshot),
        "latency": f"{snapshot.database_latency * 1000:.2f} ms",
        "unserved": staff.format_duration(snapshot.longest_lane_wait)
        if snapshot.longest_lane_wait >= timedelta(seconds=1)
        else "–",
        "most": health.MAX_ROWS_COUNTED,
    }
    return render(request, "console/health.html", context)


def build_dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Return the context of the admin's first page."""
    snapshot = build_overview(request.user, now=clock())
    headline = build_headline(snapshot)
    return context | {
        "title": "Overview",
        "snapshot": snapshot,
        "headline": headline,
        "headline_url": reverse_admin_page(headline.step),
        "tiles": build_tiles(snapshot),
        "chart_parts": CHART_PARTS,
        "chart": build_all_chart(snapshot),
        "charts": build_system_charts(snapshot),
        "changes": rank_changes(
            snapshot.errors,
            snapshot.days,
            snapshot.connection_groups,
            started_at=snapshot.workers_started_at,
        ),
        "attention_count": sum(
            group.connections for group in snapshot.connection_groups if group.needs_attention
        ),
        "errors": list_errors(snapshot),
        "systems": list_systems(snapshot),
        "steps": [
            (is_done, reason, step.label, reverse_admin_page(step))
            for is_done, reason, step in list_setup_steps(snapshot)
        ],
    }


def reverse_admin_page(step: NextStep) -> str:
    url = reverse(f"admin:{step.page}", args=step.url_args)
    return f"{url}?{step.query}" if step.query else url


class Tile(NamedTuple):
    """A number on the dashboard. With `alarms` it is highlighted if it is above 0."""

    label: str
    value: int
    detail: str
    step: NextStep
    alarms: bool = False
    limit: int | None = MAX_ROWS_PER_STATE  # rows are counted up to it
    comparison: str = ""  # with yesterday


def list_delivery_tiles(snapshot: Overview) -> list[Tile]:
    delivered, waiting, held, failed = (
        NextStep("", "outgoing_delivery_changelist", f"state={state}")
        for state in ("delivered", "waiting", "held", "failed")
    )
    return [
        Tile(
            "Delivered",
            snapshot.delivered,
            "in the last 24 hours",
            delivered,
            limit=None,
            comparison=compare_days(snapshot, "delivered"),
        ),
        Tile(
            "Waiting",
            snapshot.waiting_count - snapshot.held_back_count,
            f"{staff.format_number(snapshot.later_count, MAX_ROWS_PER_STATE)} for a later attempt"
            if snapshot.later_count
            else "until claimed",
            waiting,
        ),
        Tile("Held", snapshot.held_rows, "for a reason that can be fixed", held),
        Tile(
            "Failed",
            snapshot.failed_rows,
            "waiting for a person",
            failed,
            alarms=True,
            comparison=compare_days(snapshot, "failed"),
        ),
    ]


def list_connection_tiles(snapshot: Overview) -> list[Tile]:
    needs_reconnect = NextStep(
        "", "connections_connection_changelist", "state__exact=needs_reconnect"
    )
    forecast = NextStep("", "connections_connection_forecast")
    return [
        Tile(
            "Needs reconnect",
            snapshot.count_connections("needs_reconnect"),
            "connections",
            needs_reconnect,
            alarms=True,
        ),
        Tile(
            "Expiring soon",
            snapshot.ending_connection_count,
            "connections within 7 days",
            forecast,
            alarms=True,
        ),
    ]


def build_tiles(snapshot: Overview) -> list[dict[str, Any]]:
    """Return the context of each tile: its number, its page, and whether it is alarming."""
    oldest = (
        staff.format_duration(snapshot.now - snapshot.oldest_accepted_at)
        if snapshot.oldest_accepted_at
        else "–"
    )
    tiles = [
        {
            "label": tile.label,
            "value": staff.format_number(tile.value, tile.limit),
            "detail": tile.detail,
            "url": reverse_admin_page(tile.step),
            "comparison": tile.comparison,
            "alarm": tile.alarms and tile.value > 0,
        }
        for tile in [*list_delivery_tiles(snapshot), *list_connection_tiles(snapshot)]
    ]
    return [
        *tiles,
        {
            "label": "Oldest waiting",
            "value": oldest,
            "detail": "ready to be sent",
            "url": reverse_admin_page(
                NextStep("", "outgoing_delivery_changelist", "state=waiting")
            ),
        },
    ]


def compare_days(snapshot: Overview, state: str) -> str:
    """Return today's number beside yesterday's, both in whole hours."""
    days = [days for (_, one), days in snapshot.days.items() if one == state]
    today, yesterday = sum(day[0] for day in days), sum(day[1] for day in days)
    if not yesterday:
        return f"{today:,} today, none yesterday"
    change = round(100 * (today - yesterday) / yesterday)
    return f"{today:,} today, {yesterday:,} yesterday ({change:+d} %)"


def list_errors(snapshot: Overview) -> list[dict[str, Any]]:
    """Return the failed and held deliveries by cause, with their tenants, most frequent first."""
    rows: dict[tuple[str, str, str], list[ErrorGroup]] = {}
    for group in snapshot.errors:
        rows.setdefault((group.state, group.connector_key, group.reason), []).append(group)
    errors: list[dict[str, Any]] = [
        {
            "state": state,
            "system": groups[0].system,
            "sentence": find_reason(reason, system=groups[0].system).sentence,
            "count": sum(group.rows for group in groups),
            "tenants": sorted(groups, key=lambda group: -group.rows)[:TENANTS_SHOWN],
            "more": max(0, len(groups) - TENANTS_SHOWN),
            "query": f"state={state}&reason={reason}&connector={connector_key}",
        }
        for (state, connector_key, reason), groups in rows.items()
    ]
    return sorted(errors, key=lambda error: -error["count"])[:ERRORS_SHOWN]


def list_systems(snapshot: Overview) -> list[dict[str, Any]]:
    """Return one row for each connected system, with its connections by state."""
    states_by_label: dict[str, Counter[str]] = {}
    for group in snapshot.connection_groups:
        states_by_label.setdefault(group.label, Counter())[group.state] += group.connections
    return [
        {
            "label": label,
            "total": states.total(),
            "states": [
                (state, f"{count} {state.replace('_', ' ')}")
                for state, count in sorted(states.items())
            ],
        }
        for label, states in states_by_label.items()
    ]
