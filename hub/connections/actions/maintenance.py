"""Hold lanes during declared maintenance windows."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from hub.actions import FOR_STAFF, Action, always, declare_actions
from hub.audit import ActorContext
from hub.connections.models import MAINTENANCE, Connection, Lane, MaintenanceWindow
from hub.db.clock import clock
from hub.db.prepared import PreparedQuery
from hub.queue import wake_up

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


def apply_changed_windows(*, now: datetime) -> None:
    """Hold and release lanes after a person has changed a window."""
    apply_maintenance(now=now)
    wake_up("pump", now=now)


@transaction.atomic
def end_maintenance(
    window: MaintenanceWindow, actor: ActorContext, *, reason: str, now: datetime
) -> None:
    """End a window early, audited; what waited is sent now."""
    before, after = {"ends_at": window.ends_at}, {"ends_at": now}
    MaintenanceWindow.unscoped.filter(pk=window.pk).update(ends_at=now)
    apply_changed_windows(now=now)
    actor.audit(
        "maintenancewindow.end_now", window, reason=reason, before=before, after=after, now=now
    )


WINDOW_ACTIONS = declare_actions(
    Action[MaintenanceWindow](
        name="end_now",
        label="End it now",
        question="Waiting deliveries are sent immediately.",
        success="The maintenance window has ended. Waiting deliveries are sent now.",
        run=end_maintenance,
        asks_reason=always,
        is_available=lambda window: window.starts_at < clock() < window.ends_at,
        icon="play_arrow",
        withheld=FOR_STAFF,
    ),
)
