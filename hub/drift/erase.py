"""Erase the stored schema data of a connection, at the customer's request."""

from datetime import datetime

from hub.connections.models import Connection
from hub.drift.models import DriftFinding, SchemaBaseline


def erase_drift(connection: Connection, *, now: datetime) -> None:
    """Delete the findings and baselines of the connection."""
    DriftFinding.unscoped.filter(connection=connection).delete()
    SchemaBaseline.unscoped.filter(connection=connection).delete()
