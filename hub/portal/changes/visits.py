"""The last visit of each person, without a write for each request."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from hub.portal.models import PortalVisit
from hub.prune.tables import Table
from tenants.access.tenant_users import TenantUser

VISIT_GAP = timedelta(hours=2)  # without a page: then the next page begins another visit
STORED_EVERY = timedelta(minutes=10)
SUPPORT_PERIOD = timedelta(days=7)  # of changes that support is shown


def record_visit(tenant_user: TenantUser, *, now: datetime) -> datetime | None:
    """Return the end of the person's last visit; None at the first visit.

    Stores the current visit at most every ten minutes. A support visit stores nothing, and gets a
    time seven days ago.
    """
    if tenant_user.support_visit:
        return now - SUPPORT_PERIOD
    person = _identify_person(tenant_user)
    visits = PortalVisit.objects.of(tenant_user.tenant).filter(person=person)
    visit = visits.first()
    if visit is None:
        first = PortalVisit(
            tenant=tenant_user.tenant, person=person, seen_at=now, changes_since=now
        )
        PortalVisit.unscoped.bulk_create([first], ignore_conflicts=True)
        return None
    if now - visit.seen_at < STORED_EVERY:
        return visit.changes_since
    since = visit.seen_at if now - visit.seen_at > VISIT_GAP else visit.changes_since
    # of two pages at a time, the first one decides
    visits.filter(seen_at=visit.seen_at).update(seen_at=now, changes_since=since)
    return since


def _identify_person(tenant_user: TenantUser) -> str:
    user = tenant_user.user
    return f"user:{user.pk}" if user else f"guest:{tenant_user.reference}"


# --- how long they are stored ---


def _find_no_ages(ids: Sequence[Any]) -> dict[Any, datetime]:
    """Return no ages: the row of a person is updated in place, so its key does not show its age."""
    return {}


def _recent_visits(ids: Collection[Any], cutoff: datetime) -> Collection[Any]:
    visits = PortalVisit.unscoped.filter(pk__in=ids, seen_at__gt=cutoff)
    return visits.values_list("pk", flat=True)


# Who comes back later is treated as on the first visit.
PORTAL_VISITS = Table(
    "portal visits", "rows", PortalVisit.unscoped.all, _find_no_ages, _recent_visits
)
