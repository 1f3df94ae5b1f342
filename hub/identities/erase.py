"""Erase the stored people of a connection's system, at the customer's request."""

from datetime import datetime

from hub.connections.models import Connection
from hub.identities.models import DirectoryEntry, DirectoryRead, SuggestionRun


def erase_directory(connection: Connection, *, now: datetime) -> None:
    """Delete the directory of the connection."""
    DirectoryEntry.unscoped.filter(connection=connection).delete()
    DirectoryRead.unscoped.filter(connection=connection).delete()
    SuggestionRun.unscoped.filter(connection=connection).delete()
