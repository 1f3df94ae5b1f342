"""Declared maintenance: while a window is on, the lanes that it means are held."""

from datetime import datetime

from django.db.models import Q, QuerySet

from hub.connections.models import MAINTENANCE, Connection, Lane, MaintenanceWindow

NOBODY = Q(pk__in=())


def current(*, now: datetime) -> QuerySet[MaintenanceWindow]:
    return MaintenanceWindow.unscoped.filter(starts_at__lte=now, ends_at__gt=now)


def of(connection: Connection, *, now: datetime) -> MaintenanceWindow | None:
    """The one that holds this connection, of several the one that ends last."""
    meant = Q(connection=connection) | Q(connection=None, connector_key=connection.connector_key)
    return current(now=now).filter(meant).order_by("-ends_at").first()


def lanes_meant(*, now: datetime) -> Q:
    """The lanes that are under maintenance."""
    lanes = NOBODY
    for connector, connection in current(now=now).values_list("connector_key", "connection"):
        lanes |= Q(connection=connection) if connection else Q(connection__connector_key=connector)
    return lanes


def hold(lanes: Q) -> None:
    """What a person or the connection's state holds stays as it is."""
    if lanes != NOBODY:
        Lane.unscoped.filter(lanes, hold_reason="").update(hold_reason=MAINTENANCE)


def begin(*, now: datetime) -> None:
    """Hold the lanes whose window has begun; one statement where none is on."""
    hold(lanes_meant(now=now))


def keep(*, now: datetime) -> None:
    """Hold what is under maintenance, and let go what is no longer."""
    lanes = lanes_meant(now=now)
    hold(lanes)
    Lane.unscoped.filter(hold_reason=MAINTENANCE).exclude(lanes).update(hold_reason="", due_at=now)
