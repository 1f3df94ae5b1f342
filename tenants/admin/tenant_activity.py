"""Activity on a tenant's staff page: newest events, deliveries by state, audit and notices."""

from datetime import datetime
from typing import Any, NamedTuple

from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, Model

from hub.audit import AuditRow
from tenants.models import User

EVENTS_SHOWN, ENTRIES_SHOWN = 8, 15
DELIVERIES_COUNTED = 2_000  # the newest ones


class TimelineEntry(NamedTuple):
    """An audited action or a notice; `row` is the object to which it links."""

    at: datetime
    who: str
    text: str
    row: Model


def find_activity(tenant: Any, user: User | AnonymousUser) -> dict[str, Any]:
    """Return the part of the tenant's activity that this user may see, in at most four queries."""
    events: Any = ()
    states: Any = ()
    if user.has_perm("outgoing.view_event"):
        events = tenant.events.order_by("-id")[:EVENTS_SHOWN]
    if user.has_perm("outgoing.view_delivery"):
        newest = tenant.deliveries.order_by("-id").values("pk")[:DELIVERIES_COUNTED]
        counted = tenant.deliveries.filter(pk__in=newest).order_by().values("state")
        states = counted.annotate(rows=Count("pk")).order_by("-rows").values_list("state", "rows")
    return {
        "events": events,
        "delivery_states": states,
        "deliveries_counted": DELIVERIES_COUNTED,
        "timeline": list_timeline(tenant, user),
    }


def list_timeline(tenant: Any, user: User | AnonymousUser) -> list[TimelineEntry]:
    """Return the newest audited actions and notices of a tenant, merged, newest first."""
    entries: list[TimelineEntry] = []
    if user.has_perm("hub.view_auditrow"):
        rows = AuditRow.objects.filter(tenant=tenant.public_id).order_by("-at")[:ENTRIES_SHOWN]
        entries += [TimelineEntry(row.at, row.actor_label, row.verb, row) for row in rows]
    if user.has_perm("notices.view_notice"):
        notices = tenant.notices.select_related("connection").order_by("-id")[:ENTRIES_SHOWN]
        entries += [
            TimelineEntry(notice.created_at, "", notice.sentence, notice) for notice in notices
        ]
    return sorted(entries, key=lambda entry: entry.at, reverse=True)[:ENTRIES_SHOWN]
