"""Erase what was read of a connection's system, at the customer's request."""

from datetime import datetime

from hub.connections.models import Connection
from hub.schemas.models import ChoiceList, ObjectSchema


def erase_schemas(connection: Connection, *, now: datetime) -> None:
    """Delete the schemas and lists of choices of the connection."""
    ObjectSchema.unscoped.filter(connection=connection).delete()
    ChoiceList.unscoped.filter(connection=connection).delete()
