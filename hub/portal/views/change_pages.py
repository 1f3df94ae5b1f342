"""What changed since the person's last visit: the page, and its lines on the first page."""

from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from hub.connections.models import Connection
from hub.db.clock import clock
from hub.notices.models import Notice
from hub.portal.changes.audited_changes import describe_changes, find_changes_by_others
from hub.portal.changes.change_summary import summarize_changes
from hub.portal.changes.visits import record_visit
from tenants.access.tenant_users import TenantUser, tenant_view

NOTICES_SHOWN = 50
CONNECTIONS_READ = 500
PERIODS = {"day": timedelta(days=1), "week": timedelta(days=7), "month": timedelta(days=30)}


@require_safe
@tenant_view()
def show_changes(request: HttpRequest, tenant_user: TenantUser) -> HttpResponse:
    """Show what changed since the last visit, or in the period of ?period=, in six statements."""
    now = clock()
    last_visit = record_visit(tenant_user, now=now)
    period = request.GET.get("period", "")
    since = now - PERIODS[period] if period in PERIODS else last_visit or now - PERIODS["week"]
    connections = list(
        Connection.objects.of(tenant_user.tenant).order_by("name", "pk")[:CONNECTIONS_READ]
    )
    audit_rows = find_changes_by_others(tenant_user, since=since)
    names = {str(row.public_id): row.name for row in connections}
    notices = Notice.objects.of(tenant_user.tenant).filter(created_at__gt=since)
    context: dict[str, Any] = {
        "tenant_user": tenant_user,
        "since": since,
        "is_first_visit": last_visit is None,
        "period": period if period in PERIODS else "",
        "lines": summarize_changes(tenant_user, connections, audit_rows, since=since),
        "notices": notices.select_related("connection", "tenant").order_by("-pk")[:NOTICES_SHOWN],
        "entries": describe_changes(audit_rows, names),
    }
    return render(request, "portal/changes/page.html", context)


def build_changes_context(
    tenant_user: TenantUser, connections: list[Connection], *, now: datetime
) -> dict[str, Any]:
    """Return the first page's lines about changes since the last visit; empty at the first visit.

    The visit takes one query, or two at the first visit; the changes take four.
    """
    since = record_visit(tenant_user, now=now)
    if since is None:
        return {"changes": [], "changes_since": None}
    audit_rows = find_changes_by_others(tenant_user, since=since)
    lines = summarize_changes(tenant_user, connections, audit_rows, since=since)
    return {"changes": lines, "changes_since": since}
