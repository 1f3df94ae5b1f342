"""Summarize what changed at a tenant since a time: counts, in a fixed number of queries."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from hub.audit import AuditRow
from hub.connections.models import Connection
from hub.outgoing.models import Delivery
from hub.portal.changes.audited_changes import count_changes_by_area
from hub.scheduled.insight.discrepancies import UNDECIDED
from hub.scheduled.models import Discrepancy, Run
from tenants.access.tenant_users import TenantUser
from tenants.models import Tenant

ROWS_EXAMINED = 1_000  # of each kind, the newest


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """One line: the change, and the page that shows it."""

    text: str
    url: str
    tone: str = "info"


def summarize_changes(
    tenant_user: TenantUser,
    connections: Sequence[Connection],
    audit_rows: Sequence[AuditRow],
    *,
    since: datetime,
) -> list[ChangeLine]:
    """Return lines about the changes since a time, in three queries.

    `connections`: those of the tenant. `audit_rows`: what other people and programs did.
    """
    tenant = tenant_user.tenant
    lines = (
        *_list_connection_lines(tenant, connections, since),
        _build_failed_line(tenant, since),
        _build_discrepancy_line(tenant, since),
        *_list_run_lines(tenant, since),
        *_list_audited_lines(tenant, audit_rows),
    )
    return [line for line in lines if line is not None]


def _list_connection_lines(
    tenant: Tenant, connections: Sequence[Connection], since: datetime
) -> list[ChangeLine]:
    """Return a line for the connections whose state changed, if there are any."""
    changed = [row for row in connections if row.state_changed_at > since]
    if not changed:
        return []
    names = ", ".join(row.name for row in changed[:3]) + (" …" if len(changed) > 3 else "")
    text = ngettext(
        "%(count)s connection changed its state: %(names)s",
        "%(count)s connections changed their state: %(names)s",
        len(changed),
    )
    is_bad = any(row.state in ("needs_reconnect", "disabled", "degraded") for row in changed)
    url = reverse("portal:home", args=[tenant.reference])
    if len(changed) == 1:
        url = reverse("portal:connection", args=[tenant.reference, changed[0].public_id])
    return [
        ChangeLine(
            text % {"count": len(changed), "names": names}, url, "warn" if is_bad else "good"
        )
    ]


def _build_failed_line(tenant: Tenant, since: datetime) -> ChangeLine | None:
    failed = Delivery.objects.of(tenant).filter(state="failed")
    newest = failed.order_by("-pk").values("pk")[:ROWS_EXAMINED]
    recent = Delivery.objects.of(tenant).filter(pk__in=newest, state_changed_at__gt=since)
    count = recent.order_by().count()
    if not count:
        return None
    text = ngettext("%(count)s delivery failed", "%(count)s deliveries failed", count)
    url = reverse("portal:events", args=[tenant.reference])
    return ChangeLine(text % {"count": count}, f"{url}?state=failed", "bad")


def _build_discrepancy_line(tenant: Tenant, since: datetime) -> ChangeLine | None:
    newest = Discrepancy.objects.of(tenant).order_by("-pk").values("pk")[:ROWS_EXAMINED]
    new_discrepancies = Discrepancy.objects.of(tenant).filter(
        UNDECIDED, pk__in=newest, first_seen_at__gt=since
    )
    count = new_discrepancies.order_by().count()
    if not count:
        return None
    text = ngettext("%(count)s new discrepancy", "%(count)s new discrepancies", count)
    url = reverse("portal:discrepancies", args=[tenant.reference])
    return ChangeLine(text % {"count": count}, url, "warn")


def _list_run_lines(tenant: Tenant, since: datetime) -> list[ChangeLine]:
    """Return a line for the runs that ended, and one for those that failed."""
    newest = Run.objects.of(tenant).order_by("-pk").values("pk")[:ROWS_EXAMINED]
    finished_runs = Run.objects.of(tenant).filter(pk__in=newest, finished_at__gt=since)
    counts = finished_runs.order_by().aggregate(
        finished=Count("pk", filter=Q(state="finished")),
        failed=Count("pk", filter=Q(state="failed")),
    )
    url = reverse("portal:runs", args=[tenant.reference])
    lines = []
    if count := counts["failed"]:
        text = ngettext("%(count)s scheduled run failed", "%(count)s scheduled runs failed", count)
        lines.append(ChangeLine(text % {"count": count}, f"{url}?state=failed", "bad"))
    if count := counts["finished"]:
        text = ngettext(
            "%(count)s scheduled run finished", "%(count)s scheduled runs finished", count
        )
        lines.append(ChangeLine(text % {"count": count}, f"{url}?state=finished", "good"))
    return lines


def _list_audited_lines(tenant: Tenant, audit_rows: Sequence[AuditRow]) -> list[ChangeLine]:
    """Return a line for each area in which other people and programs changed something."""
    counts: Counter[str] = count_changes_by_area(audit_rows)
    url = reverse("portal:changes", args=[tenant.reference])
    return [
        ChangeLine(_("%(area)s: %(count)s") % {"area": _(area), "count": count}, f"{url}#others")
        for area, count in counts.items()
    ]
