"""Hold lanes during declared maintenance windows."""

from datetime import datetime

from django.db.models import Q, QuerySet

from hub.connections.models import MAINTENANCE, Connection, Lane, MaintenanceWindow
from hub.db.prepared import PreparedQuery

MATCHES_NO_LANE = Q(pk__in=())


def find_current_windows(*, now: datetime) -> QuerySet[MaintenanceWindow]:
    return MaintenanceWindow.unscoped.filter(starts_at__lte=now, ends_at__gt=now)


CURRENT_WINDOWS = PreparedQuery(
    lambda *, now: find_current_windows(now=now).values_list("connector_key", "connection")
)


def find_connection_window(connection: Connection, *, now: datetime) -> MaintenanceWindow | None:
    """Return the current window of this connection; of several, the last to end."""
    condition = Q(connection=connection) | Q(
        connection=None, connector_key=connection.connector_key
    )
    return find_current_windows(now=now).filter(condition).order_by("-ends_at").first()


def _find_lanes_in_maintenance(*, now: datetime) -> Q:
    """Return the Q condition for lanes in a current window."""
    lanes = MATCHES_NO_LANE
    for connector, connection in CURRENT_WINDOWS.fetch_rows(now=now):
        lanes |= Q(connection=connection) if connection else Q(connection__connector_key=connector)
    return lanes


def _hold_lanes_in_maintenance(lanes: Q) -> None:
    """Hold lanes that are not held for another reason."""
    if lanes != MATCHES_NO_LANE:
        Lane.unscoped.filter(lanes, hold_reason="").update(hold_reason=MAINTENANCE)


def begin_maintenance(*, now: datetime) -> None:
    """Hold the lanes whose window has begun; one query if there is no current window."""
    _hold_lanes_in_maintenance(_find_lanes_in_maintenance(now=now))


def apply_maintenance(*, now: datetime) -> None:
    """Hold the lanes in a window, and release those whose window has ended."""
    lanes = _find_lanes_in_maintenance(now=now)
    _hold_lanes_in_maintenance(lanes)
    Lane.unscoped.filter(hold_reason=MAINTENANCE).exclude(lanes).update(hold_reason="", due_at=now)
