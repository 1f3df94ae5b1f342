"""How long the last visits of persons are stored."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from hub.portal.models import PortalVisit
from hub.prune.tables import Table


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
